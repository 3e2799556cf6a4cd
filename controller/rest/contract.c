#include "rest/contract.h"

#include "base/clean.h"
#include "model/schema.h"
#include "settings/yaml.h"

extern const unsigned char rest_openapi[];
extern const size_t rest_openapi_size;

int contract_load(struct contract *ret_contract, struct err *err)
{
	struct contract contract = { .text = (const char *)rest_openapi,
				     .text_len = rest_openapi_size };
	int r = yaml_parse(contract.text, contract.text_len, "openapi.yaml", NULL,
			   &contract.document, err);
	if (r >= 0)
		r = schema_load(contract.document, &contract.schema, err);
	if (r < 0) {
		contract_done(&contract);
		return r;
	}
	*ret_contract = contract;
	return 0;
}

void contract_done(struct contract *contract)
{
	schema_free(contract->schema);
	json_decref(contract->document);
	*contract = (struct contract){ 0 };
}
