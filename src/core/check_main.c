/* SPDX-License-Identifier: MIT */
/* check_main: `stonechat --check`, for when no server runs. Prints what the command `check`
 * would. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/log.h"
#include "core/check.h"
#include "plugin/conf.h"
#include "store/store.h"

#define PROBLEMS_STATUS 4

static void
print(struct check *c, enum check_state state, const char *topic, const char *sentence)
{
	(void)c;
	printf("%-7s  %-13s  %s\n", check_state_name(state), topic, sentence);
}

static void
gather(struct check *c, enum check_state state, const char *topic, const char *sentence)
{
	json_array_append_new(c->arg, json_pack("[sss]", check_state_name(state), topic, sentence));
}

int
check_main(const struct conf *conf, const char *conf_file, bool json)
{
	struct check c = { .conf = conf, .conf_file = conf_file, .say = json ? gather : print };
	json_t *rows = json_array();
	char *text;

	c.arg = rows;
	log_level(SC_LOG_ERROR);        /* what would be a warning there is a finding here */
	check_run(&c);
	if (json) {
		json_t *all = json_pack("{s:{s:[sss],s:O}}", "table", "columns", "result", "topic",
			"finding", "rows", rows);

		text = json_dumps(all, JSON_COMPACT);
		puts(text ? text : "{}");
		free(text);
		json_decref(all);
	}
	json_decref(rows);
	return c.problems > 0 ? PROBLEMS_STATUS : 0;
}

int
check_plan_main(const struct conf *conf, bool json)
{
	const char *uri = conf_find_text(conf, "db", "uri"), *dir = conf_find_text(conf, "",
		"schema_dir");
	char error[1024] = "";
	char *plan = NULL;
	json_t *all;

	if (uri == NULL || *uri == '\0') {
		fputs("stonechat: the private PostgreSQL runs with the server only; start it, then "
			"ask stonechatctl db plan\n", stderr);
		return 1;
	}
	plan = store_migration_plan(uri, dir ? dir : "", error, sizeof error);
	if (plan == NULL) {
		fprintf(stderr, "stonechat: %s\n", error);
		return 1;
	}
	all = json_pack("{s:s}", "text", plan);
	if (json)
		json_dumpf(all, stdout, JSON_COMPACT);
	fputs(json ? "\n" : plan, stdout);
	json_decref(all);
	free(plan);
	return 0;
}
