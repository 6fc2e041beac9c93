// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "error.h"

#define MAX_WORDS	16
#define INPUT_NAME	"input"

enum {
	OPT_FILTERS = 1 << 0,
	OPT_SIZE = 1 << 1,
	OPT_STRIDE = 1 << 2,
	OPT_PADDING = 1 << 3,
	OPT_FROM = 1 << 4,
	OPT_WITH = 1 << 5,
	OPT_BN = 1 << 6,
	OPT_ACTIVATION = 1 << 7,
	OPT_FLOAT = 1 << 8,
};

/* Each kind of layer: what it may be told, and what it must. */
static const struct kind {
	const char *name;
	enum net_kind kind;
	unsigned int may, must;
} kinds[] = {
	{"conv", NET_CONV, OPT_FILTERS | OPT_SIZE | OPT_STRIDE | OPT_PADDING |
	 OPT_FROM | OPT_BN | OPT_ACTIVATION | OPT_FLOAT, OPT_FILTERS | OPT_SIZE},
	{"dwconv", NET_DWCONV, OPT_SIZE | OPT_STRIDE | OPT_PADDING | OPT_FROM |
	 OPT_BN | OPT_ACTIVATION | OPT_FLOAT, OPT_SIZE},
	{"fc", NET_FC, OPT_FILTERS | OPT_FROM | OPT_BN | OPT_ACTIVATION |
	 OPT_FLOAT, OPT_FILTERS},
	{"add", NET_ADD, OPT_FROM | OPT_WITH | OPT_ACTIVATION | OPT_FLOAT,
	 OPT_WITH},
	{"avgpool", NET_AVGPOOL, OPT_SIZE | OPT_STRIDE | OPT_FROM | OPT_FLOAT, 0},
	{"maxpool", NET_MAXPOOL, OPT_SIZE | OPT_STRIDE | OPT_FROM | OPT_FLOAT,
	 OPT_SIZE},
};
#define NUM_KINDS (sizeof(kinds) / sizeof(*kinds))

/* Words without a value, and the option that each is. */
static const struct flag {
	const char *name;
	unsigned int option;
} flags[] = {
	{"bn", OPT_BN}, {"relu", OPT_ACTIVATION}, {"relu6", OPT_ACTIVATION},
	{"float", OPT_FLOAT},
};

static const struct flag values[] = {
	{"filters=", OPT_FILTERS}, {"size=", OPT_SIZE}, {"stride=", OPT_STRIDE},
	{"padding=", OPT_PADDING}, {"from=", OPT_FROM}, {"with=", OPT_WITH},
};

struct parser {
	const char *name;
	unsigned int line;
	char text[ARCH_MAX_LINE + 1];	/* of the line, cut into words */
	char *words[MAX_WORDS];
	unsigned int num_words;
	struct arch *arch;
};

__attribute__((format(printf, 2, 3)))
static int fail(const struct parser *p, const char *format, ...)
{
	char reason[320];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return qaccel_error(EINVAL, "%s:%u: %s", p->name, p->line, reason);
}

/* ---------------------------------------------------------------- words -- */

/* Copies the line without its comment; what isn't printable is an error. */
static int take_line(struct parser *p, const char *line, size_t size)
{
	size_t n = 0;

	if (size && line[size - 1] == '\r')
		size--;
	for (; n < size && line[n] != '#'; n++) {
		unsigned char c = (unsigned char)line[n];

		if (n == ARCH_MAX_LINE)
			return fail(p, "a line of more than %d bytes",
				    ARCH_MAX_LINE);
		if (c != '\t' && (c < ' ' || c > '~'))
			return fail(p, "byte 0x%02x is not text", c);
		p->text[n] = line[n];
	}
	p->text[n] = '\0';
	return 0;
}

static int split(struct parser *p)
{
	char *rest = p->text, *word;

	p->num_words = 0;
	while ((word = strtok_r(rest, " \t", &rest))) {
		if (p->num_words == MAX_WORDS)
			return fail(p, "more than %d words", MAX_WORDS);
		p->words[p->num_words++] = word;
	}
	return 0;
}

static int number(const struct parser *p, const char *what, const char *text,
		  size_t length, uint32_t *value)
{
	uint32_t n = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return fail(p, "%s is not a number but '%.*s'", what,
				    (int)length, text);
		n = n * 10 + (uint32_t)(text[i] - '0');
		if (n > ARCH_MAX_VALUE)
			break;
	}
	if (!n || n > ARCH_MAX_VALUE)
		return fail(p, "%s is not from 1 to %d but '%.*s'", what,
			    ARCH_MAX_VALUE, (int)length, text);
	*value = n;
	return 0;
}

/* "3" or "3x5": rows and columns. */
static int size_value(const struct parser *p, const char *text,
		      struct net_layer_desc *layer)
{
	const char *x = strchr(text, 'x');
	int err;

	err = number(p, "size", text, x ? (size_t)(x - text) : strlen(text),
		     &layer->size_h);
	if (err)
		return err;
	layer->size_w = layer->size_h;
	return x ? number(p, "size", x + 1, strlen(x + 1), &layer->size_w) : 0;
}

/* ---------------------------------------------------------------- names -- */

static int find(const struct parser *p, const char *name, int32_t *layer)
{
	if (!strcmp(name, INPUT_NAME)) {
		*layer = NET_INPUT;
		return 0;
	}
	for (uint32_t i = 0; i < p->arch->num_layers; i++)
		if (!strcmp(name, p->arch->layers[i].name)) {
			*layer = (int32_t)i;
			return 0;
		}
	return fail(p, "no layer '%s' above", name);
}

static int take_name(const struct parser *p, const char *name,
		     struct net_layer_desc *layer)
{
	size_t length = strlen(name);
	int32_t other;

	if (length >= sizeof(layer->name))
		return fail(p, "a name of more than %zu bytes: '%s'",
			    sizeof(layer->name) - 1, name);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
		return fail(p, "a name is of a-z, 0-9 and _, not '%s'", name);
	/* find()'s message is replaced by the next, or never seen. */
	if (!find(p, name, &other))
		return fail(p, "a second '%s'", name);
	memcpy(layer->name, name, length + 1);
	return 0;
}

/* --------------------------------------------------------------- layers -- */

static int take_value(const struct parser *p, unsigned int option,
		      const char *text, struct net_layer_desc *layer)
{
	switch (option) {
	case OPT_FILTERS:
		return number(p, "filters", text, strlen(text), &layer->filters);
	case OPT_SIZE:
		return size_value(p, text, layer);
	case OPT_STRIDE:
		return number(p, "stride", text, strlen(text), &layer->stride);
	case OPT_PADDING:
		layer->same_padding = !strcmp(text, "same");
		if (!layer->same_padding && strcmp(text, "valid"))
			return fail(p, "padding is same or valid, not '%s'", text);
		return 0;
	case OPT_FROM:
		return find(p, text, &layer->inputs[0]);
	default:
		return find(p, text, &layer->inputs[1]);
	}
}

static void set_flag(const char *word, struct net_layer_desc *layer)
{
	if (!strcmp(word, "bn"))
		layer->batch_norm = true;
	else if (!strcmp(word, "relu"))
		layer->activation = NET_RELU;
	else if (!strcmp(word, "relu6"))
		layer->activation = NET_RELU6;
	else
		layer->keep_float = true;
}

/* The option that a word is, 0 for none, and its value if it has one. */
static unsigned int option_of(const char *word, const char **value)
{
	*value = NULL;
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (!strcmp(word, flags[i].name))
			return flags[i].option;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		size_t n = strlen(values[i].name);

		if (!strncmp(word, values[i].name, n)) {
			*value = word + n;
			return values[i].option;
		}
	}
	return 0;
}

static int take_options(const struct parser *p, const struct kind *kind,
			struct net_layer_desc *layer)
{
	unsigned int seen = 0;

	for (unsigned int i = 2; i < p->num_words; i++) {
		const char *word = p->words[i], *value;
		unsigned int option = option_of(word, &value);
		int err = 0;

		if (!option)
			return fail(p, "'%s' is not an option", word);
		if (!(kind->may & option))
			return fail(p, "'%s' makes no sense for %s", word,
				    kind->name);
		if (seen & option)
			return fail(p, "'%s' is said twice", word);
		seen |= option;
		if (value)
			err = take_value(p, option, value, layer);
		else
			set_flag(word, layer);
		if (err)
			return err;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (kind->must & ~seen & values[i].option)
			return fail(p, "%s needs %s", kind->name, values[i].name);
	return 0;
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < NUM_KINDS; i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static bool is_pool(enum net_kind kind)
{
	return kind == NET_AVGPOOL || kind == NET_MAXPOOL;
}

static int take_layer(const struct parser *p)
{
	const struct kind *kind = find_kind(p->words[0]);
	struct arch *arch = p->arch;
	struct net_layer_desc layer = {0};
	int err;

	if (!kind)
		return fail(p, "'%s' is not a kind of layer", p->words[0]);
	if (!arch->in.h)
		return fail(p, "a layer before 'input'");
	if (p->num_words < 2)
		return fail(p, "%s needs a name", kind->name);
	if (arch->num_layers == NET_MAX_LAYERS)
		return fail(p, "more than %d layers", NET_MAX_LAYERS);
	layer.kind = kind->kind;
	/* The line before; for the first one, -1 is NET_INPUT. */
	layer.inputs[0] = (int32_t)arch->num_layers - 1;
	layer.inputs[1] = NET_INPUT;
	layer.same_padding = (kind->may & OPT_PADDING) != 0;
	err = take_name(p, p->words[1], &layer);
	if (!err)
		err = take_options(p, kind, &layer);
	if (err)
		return err;
	if (is_pool(kind->kind) && !layer.stride)
		layer.stride = layer.size_h;
	if (!layer.stride)
		layer.stride = 1;
	arch->layers[arch->num_layers++] = layer;
	return 0;
}

static int take_input(const struct parser *p)
{
	struct net_shape *in = &p->arch->in;
	uint32_t *const sizes[] = {&in->h, &in->w, &in->c};
	int err = 0;

	if (in->h)
		return fail(p, "a second 'input'");
	if (p->num_words != 4)
		return fail(p, "'input' needs height, width and channels");
	for (unsigned int i = 0; !err && i < 3; i++)
		err = number(p, "a size", p->words[i + 1],
			     strlen(p->words[i + 1]), sizes[i]);
	return err;
}

/* ----------------------------------------------------------------- text -- */

static int take_text(struct parser *p, const char *text, size_t size)
{
	const char *end = text + size;
	int err = 0;

	while (!err && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);

		p->line++;
		err = take_line(p, text, length);
		if (!err)
			err = split(p);
		if (!err && p->num_words)
			err = strcmp(p->words[0], INPUT_NAME) ? take_layer(p) :
			      take_input(p);
		text += length + 1;
	}
	if (!err && !p->arch->num_layers)
		err = fail(p, "no layers");
	return err;
}

int arch_parse(const char *name, const char *text, size_t size,
	       struct arch **arch)
{
	struct parser p = {.name = name};
	int err;

	if (size > ARCH_MAX_SIZE)
		return qaccel_error(EINVAL, "%s: more than %d bytes", name,
				    ARCH_MAX_SIZE);
	p.arch = calloc(1, sizeof(*p.arch));
	if (!p.arch)
		return qaccel_error(ENOMEM, "out of memory");
	err = take_text(&p, text, size);
	if (err) {
		free(p.arch);
		return err;
	}
	*arch = p.arch;
	return 0;
}

static const char *layer_name(const struct arch *arch, int32_t layer)
{
	return layer == NET_INPUT ? INPUT_NAME : arch->layers[layer].name;
}

static void write_layer(FILE *file, const struct arch *arch, uint32_t index)
{
	static const char *const activations[] = {
		[NET_LINEAR] = "", [NET_RELU] = " relu", [NET_RELU6] = " relu6",
	};
	const struct net_layer_desc *l = &arch->layers[index];
	const struct kind *kind = &kinds[0];

	while (kind->kind != l->kind)
		kind++;
	fprintf(file, "%s %s", kind->name, l->name);
	if (l->inputs[0] != (int32_t)index - 1)
		fprintf(file, " from=%s", layer_name(arch, l->inputs[0]));
	if (kind->may & OPT_WITH)
		fprintf(file, " with=%s", layer_name(arch, l->inputs[1]));
	if (kind->may & OPT_FILTERS)
		fprintf(file, " filters=%u", l->filters);
	if (l->size_h && l->size_h == l->size_w)
		fprintf(file, " size=%u", l->size_h);
	else if (l->size_h)
		fprintf(file, " size=%ux%u", l->size_h, l->size_w);
	if (kind->may & OPT_STRIDE)
		fprintf(file, " stride=%u", l->stride);
	if (kind->may & OPT_PADDING && !l->same_padding)
		fputs(" padding=valid", file);
	if (l->batch_norm)
		fputs(" bn", file);
	fputs(activations[l->activation], file);
	fputs(l->keep_float ? " float\n" : "\n", file);
}

char *arch_write(const struct arch *arch)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fprintf(file, "input %u %u %u\n", arch->in.h, arch->in.w, arch->in.c);
	for (uint32_t i = 0; i < arch->num_layers; i++)
		write_layer(file, arch, i);
	if (fclose(file)) {
		free(text);
		return NULL;
	}
	return text;
}
