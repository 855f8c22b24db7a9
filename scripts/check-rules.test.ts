import assert from "node:assert/strict";
import { test } from "node:test";
import { ruleComplaints } from "./check-rules.ts";

test("a rule without a test, a citation without a rule and a rule defined twice are complained of", () => {
  const page = "- **[PL1]** one\n- **[PL2]** two, see [PL1]\n- **[PL2]** again\n";
  assert.deepEqual(ruleComplaints([page], ['test("[PL1] it holds")', 'test("[DP9] nothing")']), [
    "[PL2] is defined twice in docs/rules/",
    "[PL2] has no test that cites it",
    "[PL2] has no test that cites it",
    "[DP9] is cited by a test but not in docs/rules/",
  ]);
  assert.deepEqual(ruleComplaints(["- **[PL1]** one\n"], ['test("[PL1] it holds")']), []);
});
