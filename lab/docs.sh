#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# make docs: HTML of the documents by the kernel's own target, without a warning;
# kernel-doc of every exported function; ABI entries that the kernel's tool takes;
# words that people meet are explained.
# exit status: 0 all in order, 1 something is not, and was listed
. "$(dirname "$0")/lib.sh"

folders='driver-api/iommu admin-guide/iommu'
out=$build/docs

# C files of ours that have something to document
sources() {
	(cd "$top" && find drivers include -name '*.[ch]' ! -path '*/tests/*' \
		! -name '*_kunit.c' ! -path '*/trace/*') | sort
}

# complain WHAT: stdin is a list of faults, empty if there are none
complain() {
	local list
	list=$(cat)
	[ -n "$list" ] || return 0
	say "  $1:"
	printf '%s\n' "$list" | sed 's/^/    /'
	return 1
}

# Form: parameters that are not described, or not there, and returns without words
form() {
	sources | (cd "$tree" && xargs perl scripts/kernel-doc -none -Wall 2>&1) || true
}

# "FUNCTION what is missing" of each exported function
exported() {
	local file name
	sources | while read -r file; do
		# A variable is exported as well, and has no kernel-doc.
		sed -n 's/^EXPORT_SYMBOL[A-Z_]*(\([a-z0-9_]*\).*/\1/p' "$tree/$file" |
			while read -r name; do
				! grep -q "[ *]$name(" "$tree/$file" || say "$name"
			done | sort >"$out/exported"
		sed "s,^,$file ," "$out/exported" >>"$out/names"
		[ -s "$out/exported" ] || continue
		# shellcheck disable=SC2046 # a list of names
		(cd "$tree" && perl scripts/kernel-doc -rst \
			$(sed 's/^/-function /' "$out/exported") "$file" 2>/dev/null) |
			awk -v file="$file" -v names="$out/exported" '
			/^\.\. c:function::/ {
				name = $0
				sub(/ *\(.*/, "", name)
				sub(/.*[ *]/, "", name)
				nothing[name] = /^[^(]* void [a-z]/
				seen[name] = 1
			}
			/\*\*Context\*\*/ { context[name] = 1 }
			/\*\*Return\*\*/ { returns[name] = 1 }
			END {
				while ((getline name < names) > 0)
					if (!seen[name])
						print file ": " name "() has no kernel-doc"
					else {
						if (!context[name])
							print file ": " name "() has no Context:"
						if (!nothing[name] && !returns[name])
							print file ": " name "() has no Return:"
					}
			}'
	done
}

# What people meet by name and the pages do not explain
unexplained() {
	local pages=$tree/Documentation/admin-guide/iommu word
	sed -n '/iommu_refusal_texts\[\]/,/^};/s/^\t\t"\([a-z-]*\)",.*/\1/p' \
		"$top/drivers/iommu/iommu-refusal.c" | while read -r word; do
		grep -qE "^   \* - ([a-z, -]*, )?$word(,|\$)" "$pages/groups.rst" ||
			say "groups.rst: the reason $word"
	done
	sed -n 's/^TRACE_EVENT(\([a-z_]*\),/\1/p' "$top/include/trace/events/iommu_core.h" |
		while read -r word; do
			grep -q "^\`\`$word\`\`" "$pages/watching.rst" ||
				say "watching.rst: the trace event $word"
		done
	sed -n 's/.*\.attr = { \.name = "\([a-z_]*\)".*/\1/p' "$top"/drivers/iommu/iommu-*.c |
		while read -r word; do
			grep -q "^What:.*/iommu_groups/<[a-z_]*>/$word\$" \
				"$tree"/Documentation/ABI/testing/*iommu_groups* ||
				say "Documentation/ABI: the file $word of a group"
		done
	sed -n 's/.*debugfs_create_file("\([a-z_]*\)".*/\1/p' "$top"/drivers/iommu/iommu-debugfs.c |
		while read -r word; do
			grep -q "^What:.*/debug/iommu/$word\$" "$top"/Documentation/ABI/testing/debugfs-* ||
				say "Documentation/ABI: the file $word in debugfs"
		done
}

# Each file must say what scripts/get_abi.pl wants to know, and be good reST.
abi() {
	local file field
	(cd "$top/Documentation/ABI" && find . -type f) | while read -r file; do
		for field in What Date KernelVersion Contact Description; do
			awk -v field="$field" -v file="Documentation/ABI/${file#./}" '
			function tell() { if (what && !has) print file ": " what " has no " field ":" }
			/^What:/ { tell(); what = $0; sub(/^What:[ \t]*/, "", what); has = 0 }
			index($0, field ":") == 1 { has = 1 }
			END { tell() }' "$top/Documentation/ABI/$file"
		done
	done
	(cd "$tree" && perl scripts/get_abi.pl --dir Documentation/ABI validate 2>&1)
}

steps 7
"$lab/deps.sh" docs
"$lab/tree.sh"
# sphinx warns of a page only when it reads it, and reads what has changed.
rm -rf "$out/abi" "$out/abi.out" "$out/Documentation/output"
mkdir -p "$out" "$logs"
rc=0
step "kernel-doc of our files"
: >"$out/names"
form | complain "scripts/kernel-doc -Wall says" || rc=1
exported | complain "exported functions" || rc=1

step "ABI entries"
abi | complain "scripts/get_abi.pl says" || rc=1
unexplained | complain "not explained" || rc=1
mkdir -p "$out/abi/admin-guide"
cp -r "$tree/Documentation/admin-guide/iommu" "$out/abi/admin-guide/"
{
	printf 'ABI\n===\n\n.. toctree::\n\n   admin-guide/iommu/index\n\n'
	(cd "$tree" && perl scripts/get_abi.pl --rst-source --dir "$top/Documentation/ABI" rest)
} >"$out/abi/index.rst"
sphinx-build -C -q -b dummy "$out/abi" "$out/abi.out" 2>&1 |
	complain "sphinx-build says of the ABI entries (lines of $out/abi/index.rst)" || rc=1

step "HTML"
log=$logs/htmldocs.log
if ! make -C "$tree" O="$out" SPHINXDIRS="$folders" htmldocs >"$log" 2>&1; then
	tail -n 20 "$log" >&2
	die "failed: make htmldocs (log: $log)"
fi
# Pictures are in letters, so that nobody needs graphviz.
{ grep -iE 'warning|error|critical' "$log" || true; } | sed '/dot(1) not found/d' |
	complain "sphinx says (log: $log)" || rc=1
api=$out/Documentation/output/driver-api/iommu/api.html
while read -r file name; do
	case $file in
	drivers/iommu/iommu*) grep -q "id=\"c.$name\"" "$api" || say "$file: $name()" ;;
	esac
done <"$out/names" | complain "exported functions that api.rst does not pull in" || rc=1

step "result"
if [ $rc = 0 ]; then
	for folder in $folders; do
		say "  $out/Documentation/output/$folder/index.html"
	done
	say "no warning; $(wc -l <"$out/names") exported functions with Context and Return"
fi
exit $rc
