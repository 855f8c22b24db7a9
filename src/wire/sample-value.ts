import type { Shape, StructureShape } from "./model.ts";

/**
 * A value with every member of a shape set, for tests: text that needs escaping, numbers at the ends of their range, bytes
 * that are not text. `which` picks the member of each union.
 */
export function sampleValue(shape: Shape, which = 0): unknown {
  return sample(shape, "x", which, []);
}

function sample(shape: Shape, name: string, which: number, within: readonly StructureShape[]): unknown {
  const inner = (part: Shape, suffix: string) => sample(part, name + suffix, which, within);
  switch (shape.type) {
    case "structure":
      return sampleStructure(shape, which, within);
    case "list":
      return [inner(shape.item, "1"), inner(shape.item, "2")];
    case "map":
      return { k1: inner(shape.value, "A"), "k&<2>": inner(shape.value, "B"), __proto: inner(shape.value, "C") };
    case "enum":
      return [...shape.values][name.length % shape.values.size];
    case "boolean":
      return name.length % 2 === 0;
    case "integer":
      return name.length % 2 === 0 ? 2 ** 31 - 1 : -40 - name.length;
    case "long":
      return 2 ** 40 + name.length;
    case "double":
      return name.length + 0.25;
    case "timestamp":
      return new Date(1_795_000_000_000 + name.length * 1001);
    case "blob":
      return new Uint8Array([0, 1, 2, 253, 254, 255, name.length]);
    case "document":
      return { doc: [1, "two", { three: true }] };
    case "unit":
      return {};
    case "string":
      return `v-${name}<&>"'é+%20 =\n`;
  }
}

function sampleStructure(shape: StructureShape, which: number, within: readonly StructureShape[]): object {
  if (within.includes(shape)) return {};
  const members = shape.union ? [shape.members[which % shape.members.length]!] : shape.members;
  return Object.fromEntries(
    members.map((member) => [member.name, sample(member.shape, member.name, which, [...within, shape])]),
  );
}
