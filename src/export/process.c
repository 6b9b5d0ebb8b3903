/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/cleanup.h"
#include "export/metric.h"
#include "export/prometheus.h"

#define PROC_FILE_MAX 4096u

/* Files in /proc have no size: read what is there. */
static ssize_t read_proc(const char *path, char text[PROC_FILE_MAX])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, PROC_FILE_MAX - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n;
}

static void gauge(struct me_strbuf *out, const char *name, const char *help, uint64_t value)
{
	me_metric_head(out, name, "gauge", help);
	me_metric_sample(out, name, ME_NO_LABELS, value);
}

static uint64_t boot_time(void)
{
	char text[PROC_FILE_MAX];
	unsigned long long seconds = 0;
	_cleanup_fclose_ FILE *stat = fopen("/proc/stat", "re");

	while (stat && fgets(text, sizeof(text), stat))
		if (sscanf(text, "btime %llu", &seconds) == 1)
			break;
	return seconds;
}

static void count_fds(struct me_strbuf *out)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;
	struct rlimit limit;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	if (n >= 3) /* ".", ".." and the directory itself */
		gauge(out, "process_open_fds", "Number of open file descriptors.", n - 3);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		gauge(out, "process_max_fds", "Maximum number of open file descriptors.",
		      limit.rlim_cur);
}

void me_prometheus_process(struct me_strbuf *out)
{
	uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK), page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long user, system, threads, start, size, resident;
	char text[PROC_FILE_MAX];
	const char *after;

	count_fds(out);
	if (read_proc("/proc/self/stat", text) <= 0)
		return;
	/* proc(5): the second field is in parentheses and may hold any byte, so count from its end. */
	after = strrchr(text, ')');
	if (!after || sscanf(after + 1,
			     " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d "
			     "%*d %llu %*d %llu %llu %llu",
			     &user, &system, &threads, &start, &size, &resident) != 6)
		return;
	me_metric_head(out, "process_cpu_seconds_total", "counter",
		       "Total user and system CPU time spent in seconds.");
	me_metric_sample_nano(out, "process_cpu_seconds_total", ME_NO_LABELS,
			      (user + system) * (ME_NS_PER_S / tick));
	gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.",
	      resident * page);
	gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.", size);
	gauge(out, "process_threads", "Number of threads.", threads);
	me_metric_head(out, "process_start_time_seconds", "gauge",
		       "Start time of the process since the epoch in seconds.");
	me_metric_sample_nano(out, "process_start_time_seconds", ME_NO_LABELS,
			      boot_time() * ME_NS_PER_S + start * (ME_NS_PER_S / tick));
}

uint64_t me_process_resident(void)
{
	unsigned long long pages;
	char text[PROC_FILE_MAX];

	if (read_proc("/proc/self/statm", text) <= 0 || sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
