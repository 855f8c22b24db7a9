import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { environmentName, number, readSettings, SettingError, text } from "./settings.ts";

const SETTINGS = {
  "data-dir": text("DIR", "where state is kept", "/default"),
  delay: number("SECONDS", "a delay", 5, [0, 10]),
};

function withConfig(content: string, run: (path: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), "settings-"));
  try {
    writeFileSync(join(dir, "c.json"), content);
    run(join(dir, "c.json"));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("the command line wins over the environment, that over the config file, that over the default", () => {
  withConfig('{"data-dir": "/file", "delay": 3}', (configFile) => {
    const env = { BERTH_DATA_DIR: "/env" };
    assert.equal(readSettings(SETTINGS, { flags: { "data-dir": "/flag" }, env, configFile })["data-dir"], "/flag");
    assert.equal(readSettings(SETTINGS, { flags: {}, env, configFile })["data-dir"], "/env");
    assert.equal(readSettings(SETTINGS, { flags: {}, env: {}, configFile })["data-dir"], "/file");
    assert.equal(readSettings(SETTINGS, { flags: {}, env: {}, configFile }).delay, 3);
    assert.equal(readSettings(SETTINGS, { flags: {}, env: {} })["data-dir"], "/default");
  });
});

test("a value out of range is refused with the name it was given by", () => {
  const read =
    (flags: Record<string, string>, env = {}) =>
    () =>
      readSettings(SETTINGS, { flags, env });
  assert.throws(read({ delay: "11" }), { name: "Error", message: "--delay is '11': it must be a number from 0 to 10" });
  assert.throws(read({}, { BERTH_DELAY: "soon" }), /BERTH_DELAY is 'soon'/);
  assert.throws(read({ delay: "" }), SettingError);
});

test("a config file with an unknown name or without an object is refused", () => {
  withConfig('{"datadir": "x"}', (configFile) => {
    assert.throws(
      () => readSettings(SETTINGS, { flags: {}, env: {}, configFile }),
      /has 'datadir', which is no setting/,
    );
  });
  withConfig("[1]", (configFile) => {
    assert.throws(() => readSettings(SETTINGS, { flags: {}, env: {}, configFile }), /must hold one JSON object/);
  });
  assert.throws(
    () => readSettings(SETTINGS, { flags: {}, env: {}, configFile: "/none.json" }),
    /cannot be read as JSON/,
  );
});

test("a setting's name in the environment is in capitals", () => {
  assert.equal(environmentName("host-loss-grace"), "BERTH_HOST_LOSS_GRACE");
});
