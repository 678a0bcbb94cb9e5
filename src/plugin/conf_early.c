/* SPDX-License-Identifier: MIT */
/*
 * conf_early: the few settings that somebody must know before the tables exist: which modules to
 * load, and for stonechatctl where the control socket is.
 */
#include "config.h"

#include "plugin/conf_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct early {
	struct conf_source source;
	config_t config;
	const char *file;
	char *error;
	size_t error_size;
};

static bool
open_early(struct early *e)
{
	char where[4200];
	char *copy;
	bool ok;

	config_init(&e->config);
	if (!conf_source_file(&e->source, e->file, e->error, e->error_size))
		return false;
	copy = conf_source_copy(&e->source);
	ok = config_read_string(&e->config, copy) == CONFIG_TRUE;
	free(copy);
	if (ok)
		return true;
	conf_source_where(&e->source, config_error_line(&e->config), where, sizeof(where));
	snprintf(e->error, e->error_size, "%s: %s", where, config_error_text(&e->config)
		? config_error_text(&e->config)
		: "syntax error");
	return false;
}

static void
close_early(struct early *e)
{
	config_destroy(&e->config);
	conf_source_free(&e->source);
}

static bool
refuse(struct early *e, const config_setting_t *s, const char *what)
{
	char where[4200];

	conf_source_where(&e->source, (int)config_setting_source_line(s), where, sizeof(where));
	snprintf(e->error, e->error_size, "%s: `%s' must be %s", where,
		config_setting_name(s), what);
	return false;
}

static bool
early_words(struct early *e, const char *name, char ***out)
{
	const config_setting_t *s = config_lookup(&e->config, name);
	int n = s ? config_setting_length(s) : 0;

	*out = NULL;
	if (s == NULL)
		return true;
	if (config_setting_type(s) != CONFIG_TYPE_LIST &&
	    config_setting_type(s) != CONFIG_TYPE_ARRAY)
		return refuse(e, s, "a list of texts: ( \"one\", \"two\" )");
	*out = mem_new(((size_t)n + 1) * sizeof(**out));
	for (int i = 0; i < n; i++) {
		const char *word = config_setting_get_string_elem(s, i);

		if (word == NULL)
			return refuse(e, s, "a list of texts: ( \"one\", \"two\" )");
		(*out)[i] = mem_text(word, strlen(word));
	}
	return true;
}

static bool
early_text(struct early *e, const char *name, char **out)
{
	const config_setting_t *s = config_lookup(&e->config, name);
	const char *text = s ? config_setting_get_string(s) : NULL;

	*out = text ? mem_text(text, strlen(text)) : NULL;
	return s == NULL || text != NULL || refuse(e, s, "a text in quotes");
}

bool
conf_read_early(const char *file, struct conf_early *early, char *error, size_t error_size)
{
	struct early e = { .file = file, .error = error, .error_size = error_size };
	bool ok;

	*early = (struct conf_early){ 0 };
	ok = open_early(&e) && early_words(&e, "modules", &early->modules) &&
		early_words(&e, "modules_off", &early->modules_off) && early_text(&e, "module_dir",
		&early->module_dir);
	close_early(&e);
	if (!ok)
		conf_early_free(early);
	return ok;
}

static void
free_words(char ***words)
{
	for (char **w = *words; w != NULL && *w != NULL; w++)
		free(*w);
	free(*words);
	*words = NULL;
}

void
conf_early_free(struct conf_early *early)
{
	free_words(&early->modules);
	free_words(&early->modules_off);
	free(early->module_dir);
	early->module_dir = NULL;
}

bool
conf_read_early_text(const char *file, const char *key, char **value, char *error,
	size_t error_size)
{
	struct early e = { .file = file, .error = error, .error_size = error_size };
	bool ok;

	*value = NULL;
	ok = open_early(&e) && early_text(&e, key, value);
	close_early(&e);
	return ok;
}
