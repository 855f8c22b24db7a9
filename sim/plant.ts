import { registerHooks } from "node:module";
import type { PlantedFault } from "./planted.ts";

const SRC = new URL("../src/", import.meta.url).href;

/**
 * Has the source be loaded with the fault in it. Call it before anything of src/ is loaded. Answers a function that says whether the
 * file was loaded by then. Throws, when the file is loaded, if it does not hold the text exactly once.
 */
export function plant(fault: PlantedFault): () => boolean {
  let isPlanted = false;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== SRC + fault.file) return loaded;
      const source = String(loaded.source);
      if (source.split(fault.find).length !== 2) throw new Error(`${fault.file} does not hold once: ${fault.find}`);
      isPlanted = true;
      return { ...loaded, source: source.replace(fault.find, () => fault.replace) };
    },
  });
  return () => isPlanted;
}
