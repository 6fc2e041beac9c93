// SPDX-License-Identifier: MIT
/* The smallest program: run_model MODEL <INPUT >OUTPUT, raw bytes in and out. */
#include <stdio.h>
#include <qaccel/qaccel.h>

int main(int argc, char **argv)
{
	struct qaccel_tensor_info in, out;
	struct qaccel_session *session;
	struct qaccel_device *device;
	struct qaccel_model *model;

	if (argc != 2 || qaccel_device_open(NULL, "auto", &device) ||
	    qaccel_model_load_file(NULL, argv[1], &model) ||
	    qaccel_session_create(device, model, NULL, &session) ||
	    qaccel_model_input(model, 0, &in) || qaccel_model_output(model, 0, &out) ||
	    fread(qaccel_session_input(session, 0), in.size, 1, stdin) != 1 ||
	    qaccel_session_run(session))
		return fprintf(stderr, "%s\n", qaccel_last_error()), 1;
	fwrite(qaccel_session_output(session, 0), out.size, 1, stdout);
	qaccel_session_destroy(session);
	qaccel_model_destroy(model);
	qaccel_device_close(device);
	return fflush(stdout) ? 1 : 0;
}
