import assert from "node:assert/strict";
import { test } from "node:test";
import { hostLimit, lowestFreePlace } from "./allocation.ts";
import { addressAt, formatSubnet, overlaps, parseSubnet, type Subnet } from "./subnet.ts";

function subnet(text: string): Subnet {
  const parsed = parseSubnet(text);
  assert.ok(parsed !== undefined, `${text} was refused`);
  return parsed;
}

test("the first host is number 1 with the eleventh address, and a gap is filled before the end", () => {
  const network = subnet("10.213.0.0/24");
  assert.deepEqual(lowestFreePlace(network, new Set()), {
    number: 1,
    address: "10.213.0.11",
    containerNetwork: "10.214.1.1/24",
  });
  assert.equal(lowestFreePlace(network, new Set([1, 3]))?.number, 2);
  assert.equal(lowestFreePlace(network, new Set([1, 2, 3]))?.address, "10.213.0.14");
});

test("a network is full when its last address before the broadcast one is taken", () => {
  const network = subnet("10.213.0.0/28");
  assert.equal(hostLimit(network), 4);
  assert.equal(lowestFreePlace(network, new Set([1, 2, 3]))?.address, "10.213.0.14");
  assert.equal(lowestFreePlace(network, new Set([1, 2, 3, 4])), undefined);
});

test("a large network holds as many hosts as there are networks for their containers", () => {
  assert.equal(hostLimit(subnet("10.0.0.0/8")), 254);
  assert.equal(hostLimit(subnet("10.0.0.0/30")), 0);
});

test("what is not the first address of a network is refused", () => {
  for (const text of ["10.213.0.1/24", "10.213.0.0/33", "10.213.0.256/32", "10.213.0/24", "default", "::/0", ""])
    assert.equal(parseSubnet(text), undefined, text);
  assert.equal(formatSubnet(subnet("192.168.128.0/17")), "192.168.128.0/17");
  assert.equal(addressAt(subnet("255.255.255.0/24"), 255), "255.255.255.255");
  assert.throws(() => addressAt(subnet("10.0.0.0/24"), 256), RangeError);
});

test("networks overlap when one holds the other, and not when they are neighbours", () => {
  assert.equal(overlaps(subnet("10.0.0.0/8"), subnet("10.213.0.0/24")), true);
  assert.equal(overlaps(subnet("10.213.0.7"), subnet("10.213.0.0/24")), true);
  assert.equal(overlaps(subnet("10.212.255.0/24"), subnet("10.213.0.0/24")), false);
  assert.equal(overlaps(subnet("10.213.1.0/24"), subnet("10.213.0.0/24")), false);
});
