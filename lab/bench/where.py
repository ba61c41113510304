# SPDX-License-Identifier: GPL-2.0-only
"""For gdb: step through one call of a function of the kernel, count by function.

Wants $where_function, and in $where_call which call of it is meant, from 1. Prints
lines "WHERE NAME COUNT"; what is in a module goes by "(module)".
"""
import collections

import gdb


def number(expression):
    return int(gdb.parse_and_eval(expression))


def function_at(address):
    text = gdb.execute(f"info symbol {address}", to_string=True)
    return "(module)" if text.startswith("No symbol") else text.split()[0]


def one_call(function, call):
    point = gdb.Breakpoint(f"*{number('(long)&' + function)}",
                           type=gdb.BP_HARDWARE_BREAKPOINT)
    point.ignore_count = call - 1
    gdb.execute("continue", to_string=True)
    point.delete()
    stack, back = number("(long)$rsp"), number("*(long *)$rsp")
    counts = collections.Counter()
    while (number("(long)$rip"), number("(long)$rsp")) != (back, stack + 8):
        counts[function_at(number("(long)$rip"))] += 1
        gdb.execute("stepi", to_string=True)
    return counts


gdb.execute("set pagination off")
gdb.execute("set confirm off")
for name, count in one_call(gdb.convenience_variable("where_function").string(),
                            int(gdb.convenience_variable("where_call"))).items():
    print(f"WHERE {name} {count}")
gdb.execute("kill")
