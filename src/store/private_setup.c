/* SPDX-License-Identifier: MIT */
/* private_setup: finds PostgreSQL's programs and makes the folder of the private
 * database. See private.h. */
#include "config.h"

#include "store/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

#define DEBIAN_ROOT "/usr/lib/postgresql"
#define SOCKET_NAME "/.s.PGSQL.5432"
#define SOCKET_MAX (sizeof ((struct sockaddr_un *)0)->sun_path - 1)
#define LOG_MAX (8 << 20)
#define OLDEST 14

/* --- running programs --- */

static void
become(const struct pg_home *home, const char *const *argv, int out)
{
	/* Nothing of PGPORT, PGDATA, LC_… of whoever started the server. */
	static char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", NULL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid(); /* Ctrl-C is for the server, which stops the database after itself */
	if (chdir(home->dir) < 0 || dup2(open("/dev/null", O_RDONLY), 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		_exit(127);
	close_range(3, ~0U, 0);
	umask(077);
	execve(argv[0], (char *const *)argv, env);
	_exit(127);
}

static int
spawn(const struct pg_home *home, const char *const *argv, int out)
{
	pid_t pid = fork();

	if (pid == 0)
		become(home, argv, out);
	return pid < 0 ? 0 : pid;
}

static int
open_log(const struct pg_home *home)
{
	char old[PATH_MAX + 8];
	struct stat st;

	if (stat(home->log, &st) == 0 && st.st_size > LOG_MAX) {
		snprintf(old, sizeof old, "%s.old", home->log);
		(void)rename(home->log, old);
	}
	return open(home->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

int
home_spawn(const struct pg_home *home, const char *const *argv)
{
	int log = open_log(home), pid;

	if (log < 0)
		return 0;
	pid = spawn(home, argv, log);
	close(log);
	return pid;
}

void
home_last_words(const struct pg_home *home, char *out, size_t out_size)
{
	FILE *file = fopen(home->log, "re");
	char *end, tail[512];
	size_t n = 0;

	if (file &&
	    (fseek(file, -(long)(sizeof tail - 1), SEEK_END) == 0 || fseek(file, 0, SEEK_SET) == 0))
		n = fread(tail, 1, sizeof tail - 1, file);
	if (file)
		fclose(file);
	while (n > 0 && tail[n - 1] == '\n')
		n--;
	tail[n] = '\0';
	end = strrchr(tail, '\n');
	snprintf(out, out_size, "%s", end ? end + 1 : tail);
}

static bool
wait_success(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- the programs --- */

static bool
has_programs(const char *bin)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof path, "%s/initdb", bin);
	if (access(path, X_OK) < 0)
		return false;
	snprintf(path, sizeof path, "%s/postgres", bin);
	return access(path, X_OK) == 0;
}

/* What `postgres --version` says: "postgres (PostgreSQL) 15.20 (Debian …)". 0: it does not say. */
static int
ask_version(const struct pg_home *home, const char *bin)
{
	char path[PATH_MAX + 16], line[100] = "";
	const char *argv[] = { path, "--version", NULL };
	const char *number;
	int ends[2];
	pid_t pid;
	ssize_t n;

	snprintf(path, sizeof path, "%s/postgres", bin);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	pid = spawn(home, argv, ends[1]);
	close(ends[1]);
	n = pid ? read(ends[0], line, sizeof line - 1) : 0;
	close(ends[0]);
	if (!pid || !wait_success(pid) || n <= 0)
		return 0;
	number = strpbrk(line, "0123456789");
	return number ? atoi(number) : 0;
}

/* The newest of Debian's, or just the wanted one. */
static int
find_debian(int wanted, char *bin, size_t bin_size)
{
	struct dirent *entry;
	DIR *root = opendir(DEBIAN_ROOT);
	char path[PATH_MAX];
	int best = 0;

	while (root && (entry = readdir(root))) {
		int version = atoi(entry->d_name);

		snprintf(path, sizeof path, DEBIAN_ROOT "/%s/bin", entry->d_name);
		if (version <= best || version < OLDEST || (wanted && version != wanted) ||
		    !has_programs(path))
			continue;
		best = version;
		snprintf(bin, bin_size, "%s", path);
	}
	if (root)
		closedir(root);
	return best;
}

/* A folder of PATH; links are followed, because the programs look for their
 * files beside themselves. */
static int
find_in_path(const struct pg_home *home, char *bin, size_t bin_size)
{
	const char *path = getenv("PATH");
	char dir[PATH_MAX], file[PATH_MAX + 16], real[PATH_MAX];

	for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
		snprintf(dir, sizeof dir, "%.*s", (int)strcspn(path, ":"), path);
		snprintf(file, sizeof file, "%s/initdb", dir);
		if (!realpath(file, real))
			continue;
		*strrchr(real, '/') = '\0';
		if (!has_programs(real))
			continue;
		snprintf(bin, bin_size, "%s", real);
		return ask_version(home, real);
	}
	return 0;
}

static int
version_of_data(const struct pg_home *home)
{
	char path[PATH_MAX + 16];
	FILE *file;
	int version = 0;

	snprintf(path, sizeof path, "%s/PG_VERSION", home->data);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &version) != 1)
		version = -1;
	fclose(file);
	return version;
}

static bool
find_programs(struct pg_home *home, const char *bin_dir, char *error, size_t error_size)
{
	int have = version_of_data(home), found;

	if (bin_dir) {
		snprintf(home->bin, sizeof home->bin, "%s", bin_dir);
		found = has_programs(bin_dir) ? ask_version(home, bin_dir) : 0;
	} else {
		found = find_debian(have, home->bin, sizeof home->bin);
		if (!found)
			found = find_in_path(home, home->bin, sizeof home->bin);
		if (!found && have)
			found = find_debian(0, home->bin, sizeof home->bin);
	}
	if (found == 0) {
		snprintf(error, error_size,
		    "No PostgreSQL server programs (initdb, postgres) were found%s%s. Install the "
		    "package postgresql, or set db.uri to an external server.",
		    bin_dir ? " in " : "", bin_dir ? bin_dir : "");
		return false;
	}
	if (have && have != found) {
		snprintf(error, error_size,
		    "The private database in %s was made by PostgreSQL %d, but %d is installed. "
		    "Install PostgreSQL %d again, write a dump with it (pg_dump -Fc), move the "
		    "folder away, start, and restore the dump (pg_restore).",
		    home->data, have, found, have);
		return false;
	}
	if (found < OLDEST) {
		snprintf(error, error_size, "PostgreSQL %d is too old: at least %d is needed.",
		    found, OLDEST);
		return false;
	}
	return true;
}

/* --- the folder --- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static bool
write_file(const char *dir, const char *name, const char *mode, const char *text)
{
	char path[PATH_MAX + 64];
	FILE *file;
	bool written;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	file = fopen(path, mode);
	if (!file)
		return false;
	written = fputs(text, file) >= 0;
	return fclose(file) == 0 && written;
}

static bool
write_access(const char *data, const char *user)
{
	char ident[256];

	/* root may do everything anyway; so an administrator need not become the server's
	 * user to look. */
	snprintf(ident, sizeof ident, "own %s %s\nown root %s\n", user, user, user);
	return write_file(data, "pg_hba.conf", "we",
		   "# Only the server's user, only by the socket beside this folder.\n"
		   "local all all peer map=own\n") &&
	    write_file(data, "pg_ident.conf", "we", ident) &&
	    write_file(data, "postgresql.conf", "ae", "\ninclude '../stonechat.conf'\n");
}

/*
 * Made beside its place and renamed when complete, so that a start that was interrupted leaves
 * nothing half done. Signals of the terminal do not reach initdb, but we may die ourselves.
 */
static bool
make_cluster(const struct pg_home *home, char *error, size_t error_size)
{
	char program[PATH_MAX + 16], fresh[PATH_MAX + 16];
	const char *argv[] = { program, "-D", fresh, "-U", home->user, "--auth-local=peer",
		"--auth-host=reject", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", NULL };
	pid_t pid;

	snprintf(program, sizeof program, "%s/initdb", home->bin);
	snprintf(fresh, sizeof fresh, "%s.new", home->data);
	(void)nftw(fresh, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	pid = home_spawn(home, argv);
	if (!pid || !wait_success(pid) || !write_access(fresh, home->user) ||
	    rename(fresh, home->data) < 0) {
		snprintf(error, error_size,
		    "The private database could not be made in %s; %s says why.", home->data,
		    home->log);
		return false;
	}
	return true;
}

static const char conf_text[] =
	"max_connections = 120\n"
	"shared_buffers = 128MB\n"
	"# An acknowledged message survives: these three stay on.\n"
	"fsync = on\n"
	"full_page_writes = on\n"
	"synchronous_commit = on\n"
	"max_wal_size = 1GB\n"
	"checkpoint_timeout = 15min\n"
	"wal_buffers = 16MB\n"
	"random_page_cost = 1.1\n"
	"jit = off\n"
	"timezone = 'UTC'\n"
	"log_timezone = 'UTC'\n"
	"log_min_messages = warning\n"
	"log_checkpoints = off\n"
	"log_line_prefix = '%m [%p] %a '\n"
	"# Statements and their parameters hold what people write.\n"
	"log_min_error_statement = panic\n"
	"log_parameter_max_length_on_error = 0\n"
	"log_error_verbosity = terse\n"
	"include_if_exists 'local.conf'\n";

static bool
write_conf(const struct pg_home *home)
{
	struct buf text = { 0 };
	bool written;

	buf_text(&text,
	    "# Written by Stonechat at each start. What you want different goes to local.conf "
	    "beside this file.\n"
	    "listen_addresses = ''\n"
	    "unix_socket_permissions = 0700\n"
	    "unix_socket_directories = '\"");
	/* A list of names in double quotes inside a string in single ones,
	 * which knows backslashes. */
	for (const char *p = home->dir; *p; p++) {
		if (strchr("'\\\"", *p))
			buf_add(&text, p, 1);
		buf_add(&text, p, 1);
	}
	buf_text(&text, "\"'\n");
	buf_text(&text, conf_text);
	buf_add(&text, "", 1);
	written = write_file(home->dir, "stonechat.conf.new", "we", text.p);
	buf_free(&text);
	return written;
}

static bool
replace_conf(const struct pg_home *home, char *error, size_t error_size)
{
	char from[PATH_MAX + 32], to[PATH_MAX + 32];

	snprintf(from, sizeof from, "%s/stonechat.conf.new", home->dir);
	snprintf(to, sizeof to, "%s/stonechat.conf", home->dir);
	if (write_conf(home) && rename(from, to) == 0)
		return true;
	snprintf(error, error_size, "Cannot write %s: %s.", to, strerror(errno));
	return false;
}

static bool
make_folder(struct pg_home *home, const char *dir, char *error, size_t error_size)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		snprintf(error, error_size, "Cannot make the folder %s: %s.", dir, strerror(errno));
		return false;
	}
	if (!realpath(dir, home->dir) || access(home->dir, R_OK | W_OK | X_OK) < 0) {
		snprintf(error, error_size, "Cannot use the folder %s: %s.", dir, strerror(errno));
		return false;
	}
	if (strlen(home->dir) + strlen(SOCKET_NAME) > SOCKET_MAX) {
		snprintf(error, error_size,
		    "The path %s is too long for a Unix socket in it (%zu bytes; %zu are "
		    "possible). Choose a shorter state_dir.",
		    home->dir, strlen(home->dir) + strlen(SOCKET_NAME), SOCKET_MAX);
		return false;
	}
	if (strpbrk(home->dir, ",\n")) {
		snprintf(error, error_size,
		    "The path %s has a comma in it, which PostgreSQL would take for two paths.",
		    home->dir);
		return false;
	}
	snprintf(home->data, sizeof home->data, "%.*s/data", (int)SOCKET_MAX, home->dir);
	snprintf(home->log, sizeof home->log, "%.*s/postgresql.log", (int)SOCKET_MAX, home->dir);
	return true;
}

bool
home_prepare(struct pg_home *home, const char *dir, const char *bin_dir, char *error,
    size_t error_size)
{
	const struct passwd *me = getpwuid(geteuid());

	*home = (struct pg_home){ 0 };
	if (geteuid() == 0) {
		snprintf(error, error_size,
		    "PostgreSQL refuses to run as root. Set `user` to an unprivileged user, or "
		    "db.uri to an external server.");
		return false;
	}
	if (!me || strlen(me->pw_name) >= sizeof home->user) {
		snprintf(error, error_size,
		    "The user with the number %d has no name on this system, which PostgreSQL "
		    "needs.",
		    (int)geteuid());
		return false;
	}
	snprintf(home->user, sizeof home->user, "%s", me->pw_name);
	if (!make_folder(home, dir, error, error_size) ||
	    !find_programs(home, bin_dir, error, error_size))
		return false;
	if (!home_exists(home) && !make_cluster(home, error, error_size))
		return false;
	return replace_conf(home, error, error_size);
}

bool
home_exists(const struct pg_home *home)
{
	return version_of_data(home) != 0;
}

void
home_uri(const struct pg_home *home, const char *dbname, char *out, size_t out_size)
{
	char dir[2 * PATH_MAX];
	size_t n = 0;

	for (const char *p = home->dir; *p; p++) {
		if (*p == '\'' || *p == '\\')
			dir[n++] = '\\';
		dir[n++] = *p;
	}
	dir[n] = '\0';
	snprintf(out, out_size, "host='%s' port=5432 user='%s' dbname='%s'", dir, home->user,
	    dbname);
}
