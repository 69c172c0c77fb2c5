/*
 * json.c
 *		JSON text to a tree, without raising on any input.
 *
 * The server's parser reports errors by code, so a bad record costs no
 * subtransaction; what it could raise is ruled out before it is called:
 * nesting is counted first (the parser recurses), and a number goes to
 * numeric_in() only if its digits and exponent are small enough to be sure
 * of it.  A number that is not is kept as the string of its digits.
 *
 * The tree is the server's JsonbValue as the jsonb builder leaves it: the
 * members of an object are sorted by length, then bytes, and distinct (the
 * last one wins).  The helpers below keep that order, so any object can be
 * turned into jsonb as it stands.
 *
 * Names of keys in errors would be personal data, so messages give the place
 * in bytes only.
 *
 * Cost: linear in the text; the tree takes up to about thirty times the size
 * of the text, in the caller's context, meant to be reset per record.
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "ingest/record.h"

/* State of the parser's actions. */
typedef struct TreeBuilder
{
	JsonbParseState *state;
	JsonbValue *root;			/* set when the outermost container ends */
	CdpLostNumber lost;			/* the first that was kept as a string */
} TreeBuilder;

/* How deep the text nests, not looking into strings. */
static int
nesting_depth(const char *text, int len)
{
	int			depth = 0;
	int			deepest = 0;
	bool		in_string = false;

	for (int i = 0; i < len; i++)
	{
		char		c = text[i];

		if (in_string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		}
		else if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
		{
			depth++;
			deepest = Max(deepest, depth);
		}
		else if (c == '}' || c == ']')
			depth--;
	}
	return deepest;
}

static void
set_string(JsonbValue *value, char *text)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = strlen(text);
}

/* Append the names of the members that are being built, outermost first. */
static void
append_members(StringInfo path, const JsonbParseState *state)
{
	const JsonbPair *pair;

	if (state == NULL)
		return;
	append_members(path, state->next);
	if (state->contVal.type != jbvObject)
		return;
	pair = &state->contVal.val.object.pairs[state->contVal.val.object.nPairs];
	if (path->len > 0)
		appendStringInfoChar(path, '.');
	appendBinaryStringInfo(path, pair->key.val.string.val,
						   pair->key.val.string.len);
}

static void
note_lost_number(TreeBuilder *builder, const char *token)
{
	StringInfoData path;

	if (builder->lost.text != NULL)
		return;
	initStringInfo(&path);
	append_members(&path, builder->state);
	builder->lost.field = path.data;
	builder->lost.text = token;
}

CDP_JSON_ACTION
begin_object(void *arg)
{
	TreeBuilder *builder = arg;

	(void) pushJsonbValue(&builder->state, WJB_BEGIN_OBJECT, NULL);
	CDP_JSON_GO_ON;
}

CDP_JSON_ACTION
end_object(void *arg)
{
	TreeBuilder *builder = arg;

	builder->root = pushJsonbValue(&builder->state, WJB_END_OBJECT, NULL);
	CDP_JSON_GO_ON;
}

CDP_JSON_ACTION
begin_array(void *arg)
{
	TreeBuilder *builder = arg;

	(void) pushJsonbValue(&builder->state, WJB_BEGIN_ARRAY, NULL);
	CDP_JSON_GO_ON;
}

CDP_JSON_ACTION
end_array(void *arg)
{
	TreeBuilder *builder = arg;

	builder->root = pushJsonbValue(&builder->state, WJB_END_ARRAY, NULL);
	CDP_JSON_GO_ON;
}

CDP_JSON_ACTION
begin_member(void *arg, char *name, bool isnull)
{
	TreeBuilder *builder = arg;
	JsonbValue	key;

	set_string(&key, name);
	(void) pushJsonbValue(&builder->state, WJB_KEY, &key);
	CDP_JSON_GO_ON;
}

CDP_JSON_ACTION
add_scalar(void *arg, char *token, JsonTokenType type)
{
	TreeBuilder *builder = arg;
	JsonbValue	value;

	value.type = jbvNull;
	if (type == JSON_TOKEN_TRUE || type == JSON_TOKEN_FALSE)
	{
		value.type = jbvBool;
		value.val.boolean = (type == JSON_TOKEN_TRUE);
	}
	else if (type == JSON_TOKEN_STRING)
		set_string(&value, token);
	else if (type == JSON_TOKEN_NUMBER)
	{
		value.type = jbvNumeric;
		if (!cdp_ingest_parse_number(token, strlen(token),
									 &value.val.numeric))
		{
			note_lost_number(builder, token);
			set_string(&value, token);
		}
	}
	if (builder->state != NULL) /* a lone scalar is no record */
		(void) pushJsonbValue(&builder->state,
							  builder->state->contVal.type == jbvArray
							  ? WJB_ELEM : WJB_VALUE, &value);
	CDP_JSON_GO_ON;
}

/* What the parser's code means to the sender. */
static void
explain_error(JsonParseErrorType error, const JsonLexContext *lexer,
			  CdpReject *reject)
{
	const char *rule = "This is not valid JSON";
	int			place = lexer->input_length;

	if (lexer->token_start != NULL)
		place = lexer->token_start - lexer->input;
	reject->reason = "malformed_json";
	if (error == JSON_UNICODE_CODE_POINT_ZERO)
	{
		reject->reason = "zero_character";
		rule = "No text may hold the character \\u0000";
	}
	else if (error == JSON_EXPECTED_MORE)
		rule = "The JSON ends too early";
	reject->message = psprintf("%s: byte %d.", rule, place + 1);
}

/*
 * Parse a record.  Returns its outermost object, or NULL with *reject filled.
 * *lost tells of a number that was too large and is a string in the tree.
 */
JsonbValue *
cdp_json_parse(const char *text, int len, CdpReject *reject,
			   CdpLostNumber *lost)
{
	TreeBuilder builder = {0};
	JsonSemAction actions = {
		.semstate = &builder,
		.object_start = begin_object,
		.object_end = end_object,
		.array_start = begin_array,
		.array_end = end_array,
		.object_field_start = begin_member,
		.scalar = add_scalar
	};
	JsonLexContext *lexer;
	JsonParseErrorType error;

	if (nesting_depth(text, len) > CDP_INGEST_MAX_DEPTH)
	{
		reject->reason = "too_deep";
		reject->message = psprintf("Objects and arrays may nest %d deep.",
								   CDP_INGEST_MAX_DEPTH);
		return NULL;
	}
	lexer = cdp_make_json_lexer(text, len);
	error = pg_parse_json(lexer, &actions);
	*lost = builder.lost;
	if (error != JSON_SUCCESS)
	{
		explain_error(error, lexer, reject);
		return NULL;
	}
	if (builder.root == NULL || builder.root->type != jbvObject)
	{
		reject->reason = "not_an_object";
		reject->message = "A record is a JSON object.";
		return NULL;
	}
	return builder.root;
}

/* The tree of a jsonb that is no scalar. */
JsonbValue *
cdp_json_tree(Jsonb *jsonb)
{
	JsonbIterator *iterator = JsonbIteratorInit(&jsonb->root);
	JsonbParseState *state = NULL;
	JsonbValue *root = NULL;
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
		root = pushJsonbValue(&state, token, token == WJB_KEY ||
							  token == WJB_VALUE || token == WJB_ELEM ?
							  &value : NULL);
	return root;
}

/* The order of members in an object: by length, then bytes. */
static int
compare_key(const JsonbPair *pair, const char *key, int len)
{
	if (pair->key.val.string.len != len)
		return pair->key.val.string.len < len ? -1 : 1;
	return memcmp(pair->key.val.string.val, key, len);
}

/* Where the key is, or should be; *found says which. */
static int
find_member(const JsonbValue *object, const char *key, bool *found)
{
	int			len = strlen(key);
	int			low = 0;
	int			high = object->val.object.nPairs;

	*found = false;
	while (low < high && !*found)
	{
		int			middle = (low + high) / 2;
		int			order = compare_key(&object->val.object.pairs[middle],
										key, len);

		if (order < 0)
			low = middle + 1;
		else
			high = middle;
		*found = (order == 0);
	}
	return high;
}

/* Missing and null mean the same. */
bool
cdp_json_is_absent(const JsonbValue *value)
{
	return value == NULL || value->type == jbvNull;
}

/* The member of an object; NULL if absent, or no object at all. */
JsonbValue *
cdp_json_find(const JsonbValue *object, const char *key)
{
	bool		found;
	int			place;

	if (object == NULL || object->type != jbvObject)
		return NULL;
	place = find_member(object, key, &found);
	return found ? &object->val.object.pairs[place].value : NULL;
}

/* The same, a null being as good as none. */
JsonbValue *
cdp_json_member(const JsonbValue *object, const char *key)
{
	JsonbValue *value = cdp_json_find(object, key);

	return cdp_json_is_absent(value) ? NULL : value;
}

/* The same if it is an object, else NULL. */
JsonbValue *
cdp_json_object_member(const JsonbValue *object, const char *key)
{
	JsonbValue *value = cdp_json_member(object, key);

	return value != NULL && value->type == jbvObject ? value : NULL;
}

/* The text of a string or number, palloc'd; NULL for anything else. */
char *
cdp_json_text(const JsonbValue *value)
{
	if (value == NULL)
		return NULL;
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out,
												   NumericGetDatum(value->val.numeric)));
	return NULL;
}

/* The text of a scalar, the JSON of anything else; NULL if absent. */
char *
cdp_json_shown(const JsonbValue *value)
{
	char	   *text = cdp_json_text(value);
	Jsonb	   *jsonb;

	if (text != NULL || cdp_json_is_absent(value))
		return text;
	jsonb = JsonbValueToJsonb((JsonbValue *) value);
	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

char *
cdp_json_key(const JsonbPair *pair)
{
	return pnstrdup(pair->key.val.string.val, pair->key.val.string.len);
}

/* A copy that has room for more members; the values are not copied. */
JsonbValue
cdp_json_copy_object(const JsonbValue *object, int room)
{
	JsonbValue	copy;
	int			count = object == NULL ? 0 : object->val.object.nPairs;

	copy.type = jbvObject;
	copy.val.object.nPairs = count;
	copy.val.object.pairs = palloc(sizeof(JsonbPair) * (count + room));
	if (count > 0)
		memcpy(copy.val.object.pairs, object->val.object.pairs,
			   sizeof(JsonbPair) * count);
	return copy;
}

/* Add a member unless there is one of that key; the object has room. */
void
cdp_json_put(JsonbValue *object, const char *key, const JsonbValue *value)
{
	bool		found;
	int			place = find_member(object, key, &found);
	JsonbPair  *pair = &object->val.object.pairs[place];

	if (found)
		return;
	memmove(pair + 1, pair,
			sizeof(JsonbPair) * (object->val.object.nPairs - place));
	set_string(&pair->key, pstrdup(key));
	pair->value = *value;
	pair->order = 0;
	object->val.object.nPairs++;
}

/* Remove a member if it is there. */
void
cdp_json_remove(JsonbValue *object, const char *key)
{
	bool		found;
	int			place = find_member(object, key, &found);
	JsonbPair  *pair = &object->val.object.pairs[place];

	if (!found)
		return;
	object->val.object.nPairs--;
	memmove(pair, pair + 1,
			sizeof(JsonbPair) * (object->val.object.nPairs - place));
}
