# SPDX-License-Identifier: MIT
# Tables in Markdown from summary.csv, checks.csv, layers.csv and models.csv;
# -v table= says which one.

function short_version(v) {
	# Debian's version of a snapshot is long; its date says as much.
	if (match(v, /git2[0-9]+/))
		return substr(v, RSTART + 3, 4) "-" substr(v, RSTART + 7, 2)
	return v
}

function program_name(p,    field) {
	split(p, field, SUBSEP)
	return field[1] " " short_version(field[2]) " " field[3]
}

function is_ours(p) { return p ~ /^qaccel/ }
function is_float(p) { return p ~ /f32$/ }
# Of int8 or uint8 to the same, with requantization.
function is_int8(p) { return !is_float(p) && p !~ /s32$/ }

function ours(form,    p, i) {
	for (i = 1; i <= programs; i++) {
		p = program[i]
		# The best instruction set is measured first.
		if (is_ours(p) && p ~ ("_" form "$"))
			return p
	}
}

function time_of(p, shape, threads) {
	return ((p, shape, threads) in us) ? us[p, shape, threads] : 0
}

function best(shape, threads, float,    i, p, t, least) {
	least = ""
	for (i = 1; i <= programs; i++) {
		p = program[i]
		t = time_of(p, shape, threads)
		if (is_ours(p) || (float ? !is_float(p) : !is_int8(p)) || !t)
			continue
		if (least == "" || t < time_of(least, shape, threads))
			least = p
	}
	return least
}

function ms(t) { return t ? sprintf(t < 1000 ? "%.4f" : "%.2f", t / 1000) : "" }
function ratio(a, b) { return a && b ? sprintf("%.2f", a / b) : "" }
function percent(f) { return f != "" ? sprintf("%.0f %%", 100 * f) : "" }
function thousands(n,    s) {
	s = sprintf("%.0f", n)
	while (s ~ /[0-9][0-9][0-9][0-9]/)
		sub(/[0-9][0-9][0-9]($|,)/, ",&", s)
	return s
}

# Everything that was compared for this program, by number of threads.
function exactness(p, threads,    field, key) {
	split(p, field, SUBSEP)
	key = field[3] SUBSEP threads
	if (!is_ours(p) || !(key in checked))
		return "–"
	return (key in differ) ? "NO" : thousands(checked[key]) " bytes"
}

FILENAME ~ /layers.csv$/ {
	kind[$1] = $2
	count[$1] = $3
	layer[++layers] = $1
	next
}
FILENAME ~ /checks.csv$/ {
	checked[$2, $6] += $4
	state[$2, $3] = $5
	if ($5 != "equal")
		differ[$2, $6] = 1
	next
}
FILENAME ~ /models.csv$/ {
	if ($1 == "model")
		next
	if (!($1 in seen))
		model[++models] = $1
	seen[$1] = 1
	model_ms[$1, $2, $3] = $4
	next
}
{
	p = $1 SUBSEP $2 SUBSEP $3
	if (!(p in known))
		program[++programs] = p
	known[p] = 1
	us[p, $4, $5] = $6
	gops[p, $4, $5] = $7
	fraction[p, $4, $5] = $8
}

# Programs by their time for MobileNet V1; those without it at the end.
function sort_programs(threads,    i, j, p, t) {
	for (i = 2; i <= programs; i++) {
		p = program[i]
		t = sort_key(p, threads)
		for (j = i; j > 1; j--) {
			if (sort_key(program[j - 1], threads) <= t)
				break
			program[j] = program[j - 1]
		}
		program[j] = p
	}
}

function sort_key(p, threads,    t) {
	t = time_of(p, "mv1/TOTAL_seq", threads)
	return t ? t : 1e12
}

function totals(threads,    i, p, row, n, sets, s, t) {
	print "| program | equal to the reference | V1 sum | V1 in order | V2 sum | V2 in order | ResNet-50 sum | ResNet-50 in order |"
	print "|---|---|--:|--:|--:|--:|--:|--:|"
	n = split("mv1 mv2 rn50", sets, " ")
	sort_programs(threads)
	for (i = 1; i <= programs; i++) {
		p = program[i]
		row = ""
		for (s = 1; s <= n; s++)
			row = row " " ms(time_of(p, sets[s] "/TOTAL_sum", threads)) \
				" | " ms(time_of(p, sets[s] "/TOTAL_seq", threads)) " |"
		if (row ~ /[0-9]/)
			printf "| %s | %s |%s\n", is_ours(p) ? "**" program_name(p) "**" : \
				program_name(p), exactness(p, threads), row
	}
}

function against(title, shape, threads,    p, b) {
	p = ours("s8")
	b = best(shape, threads, 0)
	if (time_of(p, shape, threads) && b != "")
		printf "| %s | %d | %s | %s | %s | %s |\n", title, threads,
			ms(time_of(p, shape, threads)), ms(time_of(b, shape, threads)),
			program_name(b),
			ratio(time_of(p, shape, threads), time_of(b, shape, threads))
}

function ratios(    t) {
	print "| | threads | qaccel, ms | best other int8, ms | which | qaccel / other |"
	print "|---|--:|--:|--:|---|--:|"
	for (t = 1; t <= 2; t++) {
		against("MobileNet V1 in order", "mv1/TOTAL_seq", t)
		against("MobileNet V2 in order", "mv2/TOTAL_seq", t)
		against("ResNet-50 in order", "rn50/TOTAL_seq", t)
		against("product 2048 x 2048 x 2048", "gemm/2048", t)
		against("product 49 x 1024 x 1024", "gemm/M49_N1024_K1024", t)
		against("product 8 x 1024 x 1024", "gemm/M8_N1024_K1024", t)
		against("product 1 x 1024 x 1024", "gemm/M1_N1024_K1024", t)
	}
}

# Time of all layers of this kind in a set, 0 if some are missing.
function sum_kind(p, set, k,    i, t, sum) {
	for (i = 1; i <= layers; i++)
		if (index(layer[i], set "/") == 1 && kind[layer[i]] == k) {
			t = time_of(p, layer[i], 1)
			if (!t)
				return 0
			sum += t * count[layer[i]]
		}
	return sum + 0
}

function best_kind(set, k, float,    i, p, t, least) {
	least = ""
	for (i = 1; i <= programs; i++) {
		p = program[i]
		t = sum_kind(p, set, k)
		if (is_ours(p) || (float ? !is_float(p) : !is_int8(p)) || !t)
			continue
		if (least == "" || t < sum_kind(least, set, k))
			least = p
	}
	return least
}

function kinds(    names, all, n, m, sets, s, i, p, b, f, t) {
	print "| network | layers | qaccel, µs | best other int8, µs | which | qaccel / other | best float, µs |"
	print "|---|---|--:|--:|---|--:|--:|"
	split("MobileNet V1,MobileNet V2,ResNet-50", names, ",")
	m = split("mv1 mv2 rn50", sets, " ")
	n = split("first,depthwise,1x1,3x3,fully connected", all, ",")
	p = ours("s8")
	for (s = 1; s <= m; s++)
		for (i = 1; i <= n; i++) {
			t = sum_kind(p, sets[s], all[i])
			if (!t)
				continue
			b = best_kind(sets[s], all[i], 0)
			f = best_kind(sets[s], all[i], 1)
			printf "| %s | %s | %.0f | %s | %s | %s | %s |\n", names[s],
				all[i] == "first" ? "first convolution" : all[i], t,
				b == "" ? "" : sprintf("%.0f", sum_kind(b, sets[s], all[i])),
				b == "" ? "" : program_name(b),
				b == "" ? "" : ratio(t, sum_kind(b, sets[s], all[i])),
				f == "" ? "" : sprintf("%.0f", sum_kind(f, sets[s], all[i]))
		}
}

function per_layer(    i, s, p, u, a, b, name, k) {
	p = ours("s8")
	u = ours("u8")
	for (i = 1; i <= programs; i++)
		if (is_ours(program[i]) && program[i] ~ /avx2_s8$/)
			a = program[i]
	split(p, name, SUBSEP)
	print "| layer | times | equal | µs | GOPS | of peak | best other int8, µs | which | qaccel / other | uint8, µs | AVX2, µs |"
	print "|---|--:|---|--:|--:|--:|--:|---|--:|--:|--:|"
	for (i = 1; i <= layers; i++) {
		s = layer[i]
		if (!time_of(p, s, 1))
			continue
		b = best(s, 1, 0)
		k = state[name[3], s]
		printf "| %s | %d | %s | %.1f | %.0f | %s | %s | %s | %s | %s | %s |\n",
			s, count[s], k == "" ? "–" : k == "equal" ? "yes" : "NO",
			time_of(p, s, 1), gops[p, s, 1], percent(fraction[p, s, 1]),
			b == "" ? "" : sprintf("%.1f", time_of(b, s, 1)),
			b == "" ? "" : program_name(b),
			b == "" ? "" : ratio(time_of(p, s, 1), time_of(b, s, 1)),
			time_of(u, s, 1) ? sprintf("%.1f", time_of(u, s, 1)) : "",
			a != "" && a != p && time_of(a, s, 1) ? \
				sprintf("%.1f", time_of(a, s, 1)) : ""
	}
}

function model_time(m, p, t) {
	return ((m, p, t) in model_ms) ? model_ms[m, p, t] : 0
}

function whole(    i, m, t, q, o) {
	print "| network | threads | qaccel, ms | TensorFlow Lite, ms | TensorFlow Lite / qaccel |"
	print "|---|--:|--:|--:|--:|"
	for (i = 1; i <= models; i++)
		for (t = 1; t <= 2; t++) {
			m = model[i]
			q = model_time(m, "qaccel", t)
			o = model_time(m, "tflite_opt", t)
			if (q)
				printf "| %s | %d | %.3f | %s | %s |\n", m, t, q,
					o ? sprintf("%.3f", o) : "",
					o ? sprintf("%.1f", o / q) : ""
		}
}

END {
	if (table == "totals1")
		totals(1)
	else if (table == "totals2")
		totals(2)
	else if (table == "ratios")
		ratios()
	else if (table == "kinds")
		kinds()
	else if (table == "layers")
		per_layer()
	else if (table == "models")
		whole()
}
