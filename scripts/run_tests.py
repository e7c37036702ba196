#!/usr/bin/env python3
"""Runs every unit-test program and the functional tests, and closes with one line of counts.

    run_tests.py [unit|all]

A skipped test is a failure here: scripts/test.sh has put in place whatever a test may need.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("MORGAN_BUILD", ROOT / "build/release"))
UNIT_TIME_LIMIT = 600  # seconds for one program: a hang must not eat CI's time


def run_unit(program, scratch):
    report = scratch / (program.name + ".json")
    began = time.monotonic()
    try:
        result = subprocess.run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], cwd=scratch, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, errors="replace", timeout=UNIT_TIME_LIMIT, check=False)
        output, code = result.stdout + result.stderr, result.returncode
    except subprocess.TimeoutExpired as error:
        output, code = str(error), 124
    passed = failed = skipped = 0
    if report.exists():
        for suite in json.loads(report.read_text())["testsuites"]:
            for test in suite["testsuite"]:
                if test.get("result") == "SKIPPED":
                    skipped += 1
                elif "failures" in test:
                    failed += 1
                else:
                    passed += 1
    if code != 0 and failed == 0:
        failed += 1  # crashed or hung: there is no report to count
    print(f"  {program.name:24} {passed:4} passed, {failed} failed, {skipped} skipped  {time.monotonic() - began:6.1f} s", flush=True)
    if code != 0 or skipped:
        print("\n".join(output.splitlines()[-60:]), flush=True)
    return passed, failed, skipped


def run_functional(scratch):
    report = scratch / "functional.xml"
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=300", "-rs", f"--junitxml={report}",
                    "tests/functional"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if not report.exists():
        return 0, 1, 0
    suite = ElementTree.parse(report).getroot().find("testsuite")
    total, skipped = int(suite.get("tests")), int(suite.get("skipped"))
    failed = int(suite.get("failures")) + int(suite.get("errors"))
    return total - failed - skipped, failed, skipped


def main():
    scope = sys.argv[1] if len(sys.argv) > 1 else "all"
    programs = sorted(BUILD.glob("bin/*_test"))
    if not programs:
        sys.exit(f"morgan: no test programs in {BUILD}/bin; run scripts/test.sh, which builds them")
    counts = [0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        results = [run_unit(program, scratch) for program in programs]
        if scope == "all" and (ROOT / "tests/functional").is_dir():
            results.append(run_functional(scratch))
    for result in results:
        counts = [a + b for a, b in zip(counts, result)]
    passed, failed, skipped = counts
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or skipped or not passed else 0)


if __name__ == "__main__":
    main()
