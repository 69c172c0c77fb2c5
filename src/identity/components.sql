-- Connected components of any graph: an aggregate over its links gives a map,
-- and component_rows() reads it as rows.
--
-- There are two maps, of bigint and of text nodes, because the rows differ.
CREATE TYPE cdp.component_map;

CREATE FUNCTION cdp.component_map_in(cstring) RETURNS cdp.component_map
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_component_map_in';

CREATE FUNCTION cdp.component_map_out(cdp.component_map) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_component_map_out';

CREATE FUNCTION cdp.component_map_recv(internal) RETURNS cdp.component_map
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_component_map_recv';

CREATE FUNCTION cdp.component_map_send(cdp.component_map) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_component_map_send';

CREATE TYPE cdp.component_map (
	INPUT = cdp.component_map_in,
	OUTPUT = cdp.component_map_out,
	RECEIVE = cdp.component_map_recv,
	SEND = cdp.component_map_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE cdp.component_map IS
'connected components over bigint nodes, made by cdp.components and read by cdp.component_rows; written {1,2,5},{7}';
COMMENT ON FUNCTION cdp.component_map_in(cstring) IS 'I/O of cdp.component_map';
COMMENT ON FUNCTION cdp.component_map_out(cdp.component_map) IS 'I/O of cdp.component_map';
COMMENT ON FUNCTION cdp.component_map_recv(internal) IS 'I/O of cdp.component_map';
COMMENT ON FUNCTION cdp.component_map_send(cdp.component_map) IS 'I/O of cdp.component_map';

CREATE TYPE cdp.text_component_map;

CREATE FUNCTION cdp.text_component_map_in(cstring) RETURNS cdp.text_component_map
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_text_component_map_in';

CREATE FUNCTION cdp.text_component_map_out(cdp.text_component_map) RETURNS cstring
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_component_map_out';

CREATE FUNCTION cdp.text_component_map_recv(internal) RETURNS cdp.text_component_map
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_text_component_map_recv';

CREATE FUNCTION cdp.text_component_map_send(cdp.text_component_map) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'cdp_component_map_send';

CREATE TYPE cdp.text_component_map (
	INPUT = cdp.text_component_map_in,
	OUTPUT = cdp.text_component_map_out,
	RECEIVE = cdp.text_component_map_recv,
	SEND = cdp.text_component_map_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);

COMMENT ON TYPE cdp.text_component_map IS
'connected components over text nodes, made by cdp.components and read by cdp.component_rows; written {"ann","bob"},{"cid"}';
COMMENT ON FUNCTION cdp.text_component_map_in(cstring) IS 'I/O of cdp.text_component_map';
COMMENT ON FUNCTION cdp.text_component_map_out(cdp.text_component_map) IS 'I/O of cdp.text_component_map';
COMMENT ON FUNCTION cdp.text_component_map_recv(internal) IS 'I/O of cdp.text_component_map';
COMMENT ON FUNCTION cdp.text_component_map_send(cdp.text_component_map) IS 'I/O of cdp.text_component_map';

CREATE FUNCTION cdp._components_step(state internal, a bigint, b bigint)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__components_step';
COMMENT ON FUNCTION cdp._components_step(internal, bigint, bigint) IS
'a step of cdp.components';

CREATE FUNCTION cdp._components_step(state internal, a text, b text)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__components_text_step';
COMMENT ON FUNCTION cdp._components_step(internal, text, text) IS
'a step of cdp.components';

CREATE FUNCTION cdp._components_final(state internal) RETURNS cdp.component_map
LANGUAGE c IMMUTABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__components_final';
COMMENT ON FUNCTION cdp._components_final(internal) IS
'the end of cdp.components over bigints';

CREATE FUNCTION cdp._text_components_final(state internal)
RETURNS cdp.text_component_map
LANGUAGE c IMMUTABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp__components_final';
COMMENT ON FUNCTION cdp._text_components_final(internal) IS
'the end of cdp.components over texts';

CREATE AGGREGATE cdp.components(a bigint, b bigint)
(
	SFUNC = cdp._components_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = cdp._components_final,
	FINALFUNC_MODIFY = SHAREABLE,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE cdp.components(bigint, bigint) IS
'connected components of links between bigint nodes, as a map; a link with one end NULL is a node on its own; NULL of no links';

CREATE AGGREGATE cdp.components(a text, b text)
(
	SFUNC = cdp._components_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = cdp._text_components_final,
	FINALFUNC_MODIFY = SHAREABLE,
	PARALLEL = RESTRICTED
);
COMMENT ON AGGREGATE cdp.components(text, text) IS
'connected components of links between text nodes, compared as bytes, as a map; a link with one end NULL is a node on its own; NULL of no links';

CREATE FUNCTION cdp.components_of(links regclass, a name, b name)
RETURNS cdp.component_map
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 10000
AS 'MODULE_PATHNAME', 'cdp_components_of';
COMMENT ON FUNCTION cdp.components_of(regclass, name, name) IS
'cdp.components over two integer columns of a table, read directly: twice as fast, and less memory';

CREATE FUNCTION cdp.component_rows(
	map cdp.component_map,
	OUT node bigint,
	OUT component bigint)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL RESTRICTED ROWS 100000
AS 'MODULE_PATHNAME', 'cdp_component_rows';
COMMENT ON FUNCTION cdp.component_rows(cdp.component_map) IS
'the nodes of a map, each with the smallest node of its component';

CREATE FUNCTION cdp.component_rows(
	map cdp.text_component_map,
	OUT node text,
	OUT component text)
RETURNS SETOF record
LANGUAGE c IMMUTABLE STRICT PARALLEL RESTRICTED ROWS 100000
AS 'MODULE_PATHNAME', 'cdp_component_rows';
COMMENT ON FUNCTION cdp.component_rows(cdp.text_component_map) IS
'the nodes of a map, each with the smallest node, by bytes, of its component';

CREATE FUNCTION cdp.component_summary(
	map cdp.component_map,
	OUT nodes bigint,
	OUT components bigint,
	OUT largest bigint,
	OUT memory_bytes bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp_component_summary';
COMMENT ON FUNCTION cdp.component_summary(cdp.component_map) IS
'how many nodes and components a map has, the nodes of the largest, and the memory it takes';

CREATE FUNCTION cdp.component_summary(
	map cdp.text_component_map,
	OUT nodes bigint,
	OUT components bigint,
	OUT largest bigint,
	OUT memory_bytes bigint)
LANGUAGE c IMMUTABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'cdp_component_summary';
COMMENT ON FUNCTION cdp.component_summary(cdp.text_component_map) IS
'how many nodes and components a map has, the nodes of the largest, and the memory it takes';
