#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare the rows of two kernels: a table, JSON, and what gnuplot draws.

A row is "operation|size|median|10th percentile|90th percentile|calls". A line of
the budget is "operation|size|most|what it is spent on": rows that cost more than
the base's, for something that the base does not do.
"""
import argparse
import json
import sys

LIMIT = 1.05


def read(name):
    rows = {}
    with open(name, encoding="ascii", errors="replace") as lines:
        for line in lines:
            operation, size, *numbers = line.strip().split("|")
            median, low, high, calls = map(int, numbers)
            rows[operation, size] = (median, high - low, calls)
    return rows


def read_budget(name):
    most = {}
    with open(name, encoding="ascii") as lines:
        for line in lines:
            if not line.startswith("#"):
                operation, size, figure, _ = line.rstrip().split("|")
                most[operation, size] = int(figure)
    return most


def growth(rows, sizes, operation, size):
    """What each further one costs, from the next smaller size to this one."""
    numbers = sizes.get(operation, [])
    if not size.isdigit() or numbers.index(int(size)) == 0:
        return None
    before = numbers[numbers.index(int(size)) - 1]
    if (operation, size) not in rows:
        return None
    more = rows[operation, size][0] - rows[operation, str(before)][0]
    return round(more / (int(size) - before), 2)


def compare(base, ours):
    sizes = {}
    for operation, size in ours:
        if size.isdigit():
            sizes.setdefault(operation, []).append(int(size))
    for numbers in sizes.values():
        numbers.sort()
    result = []
    for key, (median, spread, calls) in ours.items():
        operation, size = key
        # What the base refuses to do
        of_base, base_spread, _ = base.get(key, (None, None, None))
        result.append({
            "operation": operation,
            "size": size,
            "base": of_base,
            "ours": median,
            "ratio": None if of_base is None else round(median / max(of_base, 1), 3),
            "growth_base": growth(base, sizes, operation, size),
            "growth_ours": growth(ours, sizes, operation, size),
            "spread": {"base": base_spread, "ours": spread},
            "calls": calls,
        })
    lost = [" ".join(key) for key in base if key not in ours]
    if lost:
        sys.exit("bench: rows of the base alone: " + ", ".join(lost))
    order = list(dict.fromkeys(row["operation"] for row in result))
    result.sort(key=lambda row: (order.index(row["operation"]),
                                 int(row["size"]) if row["size"].isdigit() else 0))
    return result


def show(number, form="{:.1f}"):
    return "" if number is None else form.format(number)


def table(rows):
    print(f"{'operation':<32} {'size':>12} {'base':>9} {'ours':>9} {'ratio':>6} "
          f"{'growth':>9} {'':>9} {'spread':>7} {'':>7}")
    print(f"{'':<32} {'':>12} {'':>9} {'':>9} {'':>6} "
          f"{'base':>9} {'ours':>9} {'base':>7} {'ours':>7}")
    for row in rows:
        print(f"{row['operation']:<32} {row['size']:>12} {show(row['base'], '{}'):>9} "
              f"{row['ours']:>9} {show(row['ratio'], '{:.2f}'):>6} "
              f"{show(row['growth_base']):>9} {show(row['growth_ours']):>9} "
              f"{show(row['spread']['base'], '{}'):>7} {row['spread']['ours']:>7}")


def plot(rows, name):
    """Write what gnuplot needs: a small diagram for each operation that grows."""
    series = {}
    for row in rows:
        if row["size"].isdigit():
            series.setdefault(row["operation"], []).append(row)
    series = {key: rows for key, rows in series.items() if len(rows) > 2}
    columns = 4
    lines = -(-len(series) // columns)
    with open(name, "w", encoding="ascii") as out:
        out.write(f"set terminal svg size {columns * 300},{lines * 220} noenhanced\n"
                  "set logscale xy\nset key left top\nset grid\n"
                  f"set multiplot layout {lines},{columns}\n")
        for operation, rows in series.items():
            out.write("$data << END\n")
            for row in rows:
                # No logarithm of 0 others
                out.write(f"{max(int(row['size']), 1)} "
                          f"{'NaN' if row['base'] is None else row['base']} {row['ours']}\n")
            out.write(f'END\nset title "{operation}"\n'
                      'plot $data using 1:2 with linespoints title "base", '
                      '"" using 1:3 with linespoints title "ours"\n')
        out.write("unset multiplot\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("how", choices=("full", "short"))
    for name in ("base", "base_version", "ours", "our_version"):
        parser.add_argument(name)
    parser.add_argument("--budget", required=True)
    parser.add_argument("--json")
    parser.add_argument("--plot")
    args = parser.parse_args()

    rows = compare(read(args.base), read(args.ours))
    table(rows)
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump({"base": args.base_version, "ours": args.our_version, "rows": rows},
                      out, indent=1)
            out.write("\n")
    if args.plot:
        plot(rows, args.plot)
    budget = read_budget(args.budget)
    dear = [row for row in rows if (row["ratio"] or 0) > LIMIT]
    over = [row for row in dear
            if row["ours"] > budget.get((row["operation"], row["size"]), 0)]
    print(f"{len(rows)} rows, {len(dear)} above {LIMIT} of the base, "
          f"{len(over)} of them above their budget")
    if over:
        sys.exit("bench: dearer than the base, and than the budget allows: " +
                 ", ".join(f"{row['operation']} {row['size']}: {row['ours']}"
                           for row in over))


main()
