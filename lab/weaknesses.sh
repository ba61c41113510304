#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make weaknesses: the tests named in the table of weaknesses exist, and the
# comment above each names the weakness.
. "$(dirname "$0")/lib.sh"

table=$top/Documentation/driver-api/iommu/weaknesses.rst
tests=("$top"/drivers/iommu/tests/*_kunit.c)

# "W TEST" of each test named in the table
claimed() {
	awk '/^   \* - W[0-9]+$/ { w = $3 }
		/^=+$/ { w = "" }
		{ while (match($0, /``[a-z0-9_]+``/)) {
			print substr(w, 1), substr($0, RSTART + 2, RLENGTH - 4)
			$0 = substr($0, RSTART + RLENGTH)
		} }' "$table" | grep '^W[0-9]* '
}

# "W TEST" of each test whose comment names a weakness
commented() {
	awk '/^\/\*/ { text = "" }
		{ text = text " " $0 }
		/^static void [a-z0-9_]+\(/ {
			name = $3
			sub(/\(.*/, "", name)
			while (match(text, /W[0-9]+/)) {
				print substr(text, RSTART, RLENGTH), name
				text = substr(text, RSTART + RLENGTH)
			}
			text = ""
		}' "${tests[@]}"
}

# Tests named anywhere in the table, also where no weakness has a number
named() {
	grep -o '``[a-z0-9_]*``' "$table" | tr -d '`' | grep _
}

absent=$(named | sort -u | while read -r name; do
	grep -q "^static void $name(" "${tests[@]}" || say "$name"
done)
if [ -n "$absent" ]; then
	say "named in $table, but there are no such tests:"
	say "$absent"
	exit 1
fi

missing=$(comm -23 <(claimed | sort -u) <(commented | sort -u))
if [ -n "$missing" ]; then
	say "named in $table, but no test says so:"
	say "$missing"
	exit 1
fi
say "$(claimed | cut -d' ' -f1 | sort -u | wc -l) of 50 weaknesses have tests that name them; of $(grep -c '     - none' "$table") the table says why not"
