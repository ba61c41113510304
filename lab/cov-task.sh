#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# In a guest of flavour cov this stands before every task: it runs the task and
# then leaves what gcov counted on the virtio disk, as a tar archive.
"/lab/covered/${0##*/}" "$@"
status=$?
cd /sys/kernel/debug/gcov || exit 1
find . -name '*.gcda' | while read -r file; do
	mkdir -p "/tmp/gcov/${file%/*}"
	cat "$file" >"/tmp/gcov/$file"
done
tar -C /tmp/gcov -cf /dev/vda .
exit $status
