#include "service/reread.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"

static void begin(struct service_reread *reread);

static void read_config(uv_work_t *work)
{
	struct service_reread *reread = work->data;
	reread->err = (struct err){ 0 };
	reread->config = reread->reader.read(reread->path, &reread->err);
}

static void take(struct service_reread *reread)
{
	const struct service_reader *reader = &reread->reader;
	void *config = reread->config;
	bool is_good = config && reader->apply(reader->context, config, &reread->err) == 0;
	if (is_good) {
		reread->trouble = (struct err){ 0 };
		reread->read_ms = clock_wall_ms();
		log_info("configuration: read again");
		return;
	}
	if (config)
		reader->free(config);
	reread->trouble = reread->err;
	log_error("configuration: the one before stays: %s", reread->err.text);
}

static void on_read(uv_work_t *work, int status)
{
	struct service_reread *reread = work->data;
	reread->is_reading = false;
	if (status == UV_ECANCELED)
		return;
	if (!reread->is_closed)
		take(reread);
	else if (reread->config)
		reread->reader.free(reread->config);
	reread->config = NULL;
	if (reread->must_read)
		begin(reread);
}

static void begin(struct service_reread *reread)
{
	reread->must_read = false;
	reread->is_reading = true;
	(void)uv_queue_work(reread->loop, &reread->work, read_config, on_read);
}

void service_reread(struct service_reread *reread)
{
	if (reread->is_closed)
		return;
	if (reread->is_reading)
		reread->must_read = true; // it may have changed since
	else
		begin(reread);
}

void service_reread_init(struct service_reread *reread, uv_loop_t *loop, const char *path,
			 const struct service_reader *reader)
{
	*reread = (struct service_reread){
		.reader = *reader, .path = path, .read_ms = clock_wall_ms(), .loop = loop
	};
	reread->work.data = reread;
	identity_of_self(reread->program);
}

void service_reread_close(struct service_reread *reread)
{
	reread->is_closed = true;
	reread->must_read = false;
}

json_t *service_status(const struct service_reread *reread)
{
	json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I}", "state",
				reread->is_closed ? "leaving" : "running", "version",
				weft_version(), "program", reread->program, "config", reread->path,
				"pid", (int)getpid(), "loaded_ms", (json_int_t)reread->read_ms);
	if (all && reread->trouble.code != 0)
		(void)json_object_set_new(all, "error", json_string(reread->trouble.text));
	return all;
}
