/*
 * phone_load.c
 *		Load the module cdp_phone when the first number needs it.
 *
 * Kept apart from phone.c so that phone.c needs no server to be tested.
 */
#include "postgres.h"

#include "fmgr.h"

#include "norm/phone_module.h"

/* The module, loaded on first use; it stays for the life of the process. */
const CdpPhoneModule *
cdp_norm_phone_module(void)
{
	static const CdpPhoneModule *module = NULL;
	CdpPhoneModuleEntry entry;
	const CdpPhoneModule *loaded;

	if (module != NULL)
		return module;
	entry = (CdpPhoneModuleEntry)
		load_external_function("$libdir/cdp_phone", "cdp_phone_module",
							   true, NULL);
	loaded = entry();
	if (loaded->version != CDP_PHONE_MODULE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("module cdp_phone is not of this version of cdp"),
				 errhint("Install cdp again, then reconnect.")));
	module = loaded;
	return module;
}
