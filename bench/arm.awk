# SPDX-License-Identifier: MIT
# A table in Markdown from the CSV of bench/arm.sh: thousands of instructions.

$1 == "peer" { next }
{
	if (!($5 in seen))
		shape[++shapes] = $5
	seen[$5] = 1
	if (!($3 in known))
		isa[++isas] = $3
	known[$3] = 1
	count[$1 == "qaccel", $3, $5] = $6
}

function cells(i, s,    ours, theirs) {
	ours = count[1, i, s]
	theirs = count[0, i, s]
	if (!ours || !theirs)
		return " | | |"
	return sprintf(" %.0f | %.0f | %.2f |", ours / 1000, theirs / 1000,
		ours / theirs)
}

END {
	row = "| layer |"
	line = "|---|"
	for (i = 1; i <= isas; i++) {
		row = row " " isa[i] " | XNNPACK | ratio |"
		line = line "--:|--:|--:|"
	}
	print row
	print line
	for (s = 1; s <= shapes; s++) {
		row = "| " shape[s] " |"
		for (i = 1; i <= isas; i++)
			row = row cells(isa[i], shape[s])
		print row
	}
}
