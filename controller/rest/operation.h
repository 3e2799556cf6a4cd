// Idempotency-Key: a client names its write, and asks after a broken connection whether it was
// done.
#pragma once

struct request;

// Reads the header of a request that writes into request->operation, "" without one. 0, or -EINVAL
// after having answered 400.
int operation_read(struct request *request);

// Calls the route's handler; for a named write only once it is sure that it was not done before,
// else it answers 409.
void operation_handle(struct request *request);

// Id for the store's transaction, NULL when the client gave none.
const char *operation_id(const struct request *request);
