/* SPDX-License-Identifier: MIT */
/* main: options. What the process then does is in supervisor.c and worker.c. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "core/check.h"
#include "plugin/conf.h"
#include "server.h"
#include "supervisor.h"

#define DEFAULT_CONF SYSCONFDIR "/stonechat/stonechat.conf"

static const char usage[] =
	"usage: stonechat [-c FILE] [--check-config|--check|--db-plan] [--manual "
	"config|hooks|xeps] [--version] [--help]\n"
	"  -c, --config FILE    the configuration (" DEFAULT_CONF ")\n"
	"      --check-config   read it, load the modules, say what is wrong, and end\n"
	"      --check          look at certificates, DNS, database and ports too (`stonechatctl "
	"check` without a server)\n"
	"      --db-plan        list the steps of the schema of an external database, done "
	"and to do\n"
	"      --json           print what --check and --db-plan find as JSON\n"
	"      --manual WHICH   print a generated page of the manual\n"
	"      --module-dir DIR where the modules are, for --manual\n"
	"The server stays in the foreground; `stonechatctl help` lists what can be asked of it.\n";

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "check-config", no_argument,
			NULL, 'k' },
		{ "manual", required_argument, NULL, 'm' }, { "module-dir", required_argument,
			NULL, 'd' },
		{ "check", no_argument, NULL, 'C' }, { "db-plan", no_argument, NULL, 'p' },
		{ "json", no_argument, NULL, 'j' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 }
	};
	const char *file = DEFAULT_CONF, *manual = NULL, *module_dir = NULL;
	char error[1024] = "";
	bool check = false, check_all = false, plan = false, json = false;
	struct conf *conf;
	int o, status = 0;

	while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (o) {
		case 'c': file = optarg; break;
		case 'k': check = true; break;
		case 'C': check_all = true; break;
		case 'p': plan = true; break;
		case 'j': json = true; break;
		case 'm': manual = optarg; break;
		case 'd': module_dir = optarg; break;
		case 'f': break;
		case 'V': puts("stonechat " PACKAGE_VERSION); return 0;
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	conf = server_load(manual != NULL ? NULL : file, module_dir, error, sizeof error);
	if (conf == NULL) {
		fprintf(stderr, "stonechat: %s\n", error);
		return 1;
	}
	if (manual == NULL && !check && !check_all && !plan)
		return supervisor_run(file, conf);
	if (manual != NULL && !server_manual(manual))
		status = (fputs(usage, stderr), 2);
	else if (manual == NULL && check)
		printf("%s is right.\n", file);
	else if (manual == NULL)
		status = check_all ? check_main(conf, file, json) : check_plan_main(conf, json);
	conf_unref(&conf);
	return status;
}
