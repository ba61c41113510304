# SPDX-License-Identifier: GPL-2.0-only
# Turn KTAP or TAP text into one line per test: RESULT<tab>NAME<tab>REASON, with
# RESULT pass, fail or skip. A line that sums up the tests indented below it is
# not a test. Kernel time stamps are ignored, so a kernel log will do as well.
# What a test that fails has said is its reason, the first of it.

function end_of_plan(depth) {
	if (depth in plan && ran[depth] < plan[depth])
		printf "fail\t%d tests were planned, %d ran\t\n", plan[depth], ran[depth]
	delete plan[depth]
	ran[depth] = 0
}

{
	sub(/\r$/, "")
	stamped = sub(/^\[ *[0-9]+\.[0-9]+\] /, "")
	match($0, /^ */)
	depth = RLENGTH
	line = substr($0, depth + 1)
	gsub(/\t/, " ", line)
}

function hear(text) {
	sub(/^[# ]+/, "", text)
	if (heard++ < 6)
		said = said (said == "" ? "" : "; ") text
}

line ~ /^1\.\.[0-9]+( # SKIP.*)?$/ {
	end_of_plan(depth)
	plan[depth] = substr(line, 4) + 0
	if (line ~ /# SKIP/)
		printf "skip\t(all)\t%s\n", substr(line, index(line, "# SKIP") + 7)
	next
}

line ~ /^(not )?ok([ \t]|$)/ {
	ran[depth]++
	for (d in plan)
		if (d + 0 > depth)
			end_of_plan(d)
	sums_up = last > depth
	last = depth
	if (sums_up) {
		said = ""
		heard = more = 0
		next
	}
	result = line ~ /^not / ? "fail" : "pass"
	reason = result == "fail" ? said : ""
	said = ""
	heard = more = 0
	if (match(line, /# *(SKIP|TODO)/)) {
		if (line ~ /# *SKIP/)
			result = "skip"
		reason = substr(line, RSTART + RLENGTH)
		line = substr(line, 1, RSTART - 1)
		sub(/^[: ]*/, "", reason)
	}
	sub(/^(not )?ok *[0-9]* *(- )?/, "", line)
	sub(/ *$/, "", line)
	printf "%s\t%s\t%s\n", result, line, reason
	next
}

# KUnit says what it expected in the lines behind.
line ~ /^# .*(EXPECTATION|ASSERTION) FAILED/ {
	more = 4
}

more > 0 || line ~ /^# / && line !~ /^# +(RUN|OK|FAIL|Starting|Subtest:|module:|Totals:)/ {
	more--
	hear(line)
}

END {
	for (d in plan)
		end_of_plan(d)
}
