import assert from "node:assert/strict";
import { test } from "node:test";
import { isDomainName, isLocalName } from "./domain-name.ts";

test("names are told from what is none", () => {
  for (const name of ["a.example", "*.a.example", "nas", "xn--bcher-kva.example", "1.example", "a-b.example"])
    assert.ok(isDomainName(name), name);
  const long = `${"a".repeat(63)}.`.repeat(4);
  for (const name of [
    "",
    "*",
    "*.",
    "a..b",
    "-a.example",
    "a-.example",
    "A.example",
    "a.*.example",
    "10.0.0.1",
    "::1",
    "a.example.",
    "a_b.example",
    "a b",
    "bücher.example",
    `${"a".repeat(64)}.example`,
    `${long}example`,
  ])
    assert.ok(!isDomainName(name), name);
});

test("names that mean something on this network only are local", () => {
  for (const name of [
    "localhost",
    "app.localhost",
    "*.app.localhost",
    "nas",
    "printer.local",
    "a.test",
    "db.internal",
    "router.home.arpa",
    "home.arpa",
  ])
    assert.ok(isLocalName(name), name);
  for (const name of [
    "a.example",
    "localhost.example",
    "mylocal.dev",
    "internal.example",
    "notlocalhost.com",
    "arpa.example",
    "x.arpa",
  ])
    assert.ok(!isLocalName(name), name);
});
