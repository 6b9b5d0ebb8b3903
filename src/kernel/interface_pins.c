/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/interface_pins.h"

#include <stdio.h>
#include <string.h>
#include "base/text.h"

const char *const me_interface_hooks[2] = {"tc_ingress", "tc_egress"};

/* What follows "<what>@" in `name`; NULL: it does not begin so. */
static const char *after(const char *name, const char *what)
{
	size_t length = strlen(what);

	return !strncmp(name, what, length) && name[length] == '@' ? name + length + 1 : NULL;
}

bool me_interface_pin(const char *name, uint32_t *ret_index, const char **ret_hook)
{
	const char *hook = NULL, *number = after(name, ME_INTERFACE_QDISC);
	char digits[16] = "";
	uint64_t index;
	size_t length;

	for (int i = 0; i < 2 && !number; i++) {
		hook = me_interface_hooks[i];
		number = after(name, hook);
	}
	if (!number)
		return false;
	length = strcspn(number, "+");
	if (length >= sizeof(digits))
		return false;
	memcpy(digits, number, length);
	if (!me_text_parse_u64(digits, 1, INT32_MAX, &index))
		return false;
	*ret_index = (uint32_t)index;
	*ret_hook = number[length] ? NULL : hook;
	return true;
}

int me_interface_path(char out[ME_PIN_PATH_MAX], const char *pins, const char *what, uint32_t index,
		      const char *end)
{
	char name[64];

	snprintf(name, sizeof(name), "%s@%u%s", what, index, end);
	return me_pin_path(out, pins, ME_PIN_LINKS, name);
}
