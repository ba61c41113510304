# SPDX-License-Identifier: GPL-2.0-only
# Find reports of trouble in a kernel log; print each with the lines after it.
# A test that provokes a report on purpose announces it by a line
#	lab-expect: TEXT
# and the next report whose first lines hold TEXT is forgiven. A report that
# was announced and did not come is trouble, too.
# Exit status: 0 nothing found, 1 otherwise.

function starts_report(line) {
	return line ~ /\] (WARNING: |BUG: |Oops|Kernel panic - not syncing|UBSAN: |INFO: (task|rcu_)|general protection fault|stack segment|divide error|invalid opcode|unable to handle|ODEBUG: |list_(add|del) corruption|DEBUG_LOCKS_WARN_ON|kernel BUG at|BUG [a-z_0-9-]+ )/ ||
	       line ~ /kmemleak: [0-9]+ new suspicious/ ||
	       line ~ /kobject: .* does not have a release/
}

function close_report() {
	if (!open)
		return
	open = 0
	for (i = 1; i <= wanted; i++) {
		if (expect[i] != "" && index(text, expect[i])) {
			expect[i] = ""
			return
		}
	}
	if (context != "")
		printf "(after the line: %s)\n", context
	printf "%s\n", text
	found++
}

{ sub(/\r$/, "") }

# Where a test runs in the kernel, the line before tells which one it was not.
/\] +(not )?ok [0-9]+ / && !open { last_result = substr($0, index($0, "]") + 2) }

match($0, /lab-expect: /) {
	close_report()
	expect[++wanted] = substr($0, RSTART + RLENGTH)
	next
}

starts_report($0) {
	# The lines of one report come within "cut here" and the end of its trace.
	if (open && lines < 4 && $0 !~ /Kernel panic/) {
		text = text "\n" $0
		next
	}
	close_report()
	open = 1
	lines = 0
	text = $0
	context = last_result
	next
}

open {
	text = text "\n" $0
	if (/---\[ end / || ++lines >= 40)
		close_report()
}

END {
	close_report()
	for (i = 1; i <= wanted; i++) {
		if (expect[i] != "") {
			printf "announced, but did not come: %s\n", expect[i]
			found++
		}
	}
	exit found > 0
}
