#!/usr/bin/awk -f
# SPDX-License-Identifier: MIT
#
# The tables of docs/training.md from what train_models.sh prints:
#
#   scripts/train_models.sh DIR >results.csv; scripts/train_table.awk results.csv

BEGIN { FS = "," }

{ value[$1] = $2; integers[$1] = $3 }

# Mean and the largest distance from it, over the seeds.
function cell(kind, array,    sum, n, seed, mean, spread, d, v) {
	for (seed = 1; seed <= 3; seed++)
		if (array[kind "-" seed] != "") {
			sum += array[kind "-" seed]
			n++
		}
	if (!n)
		return "–"
	mean = sum / n
	for (seed = 1; seed <= 3; seed++)
		if (array[kind "-" seed] != "") {
			d = array[kind "-" seed] - mean
			if (d < 0)
				d = -d
			if (d > spread)
				spread = d
		}
	if (n == 1)
		return sprintf("%.2f", mean)
	return sprintf("%.2f ± %.2f", mean, spread)
}

function row(title, net) {
	printf "| %s | %s | %s | %s | %s | %s |\n", title,
		cell(net "-float", value), cell(net "-ptq-tensor", integers),
		cell(net "-ptq-channel", integers), cell(net "-qat", value),
		cell(net "-qat", integers)
}

END {
	print "| network | float | int8 after training, per tensor | per channel | trained for int8, simulated | trained for int8 |"
	print "|---|--:|--:|--:|--:|--:|"
	row("fashion_mobilenet", "mobilenet")
	row("fashion_resnet", "resnet")
	print ""
	print "| weights | 8 bits | 7 | 6 | 5 | 4 |"
	print "|---|--:|--:|--:|--:|--:|"
	for (w = 8; w >= 4; w--) {
		printf "| %d bits |", w
		for (a = 8; a >= 4; a--)
			printf " %s |", value["ablation-w" w "-a" a]
		print ""
	}
}
