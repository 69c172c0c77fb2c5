/*
 * reader.c: reads tables over ODBC as a BI tool does.
 *
 *	reader CONNECTION TABLE...
 *
 * A tool binds a buffer of the size that the driver reports for a column,
 * and reads long columns in pieces; so does this, and a value that does not
 * fit its buffer ends it.  For each table it prints a line "@TABLE", a JSON
 * array of the columns' types and one of the values of each row, as texts.
 */
#include <sql.h>
#include <sqlext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 100
/* A tool reads more than this in pieces, whatever the driver calls it. */
#define MAX_BOUND 4096

typedef struct Column
{
	SQLSMALLINT type;			/* what the driver says it is */
	char	   *bound;			/* buffer, or NULL: read in pieces */
	SQLLEN		bound_size;
	SQLLEN		length;			/* of the value in the buffer */
} Column;

static const struct
{
	SQLSMALLINT type;
	const char *name;
} type_names[] = {
	{SQL_BIGINT, "BIGINT"}, {SQL_INTEGER, "INTEGER"}, {SQL_SMALLINT, "SMALLINT"},
	{SQL_NUMERIC, "NUMERIC"}, {SQL_DOUBLE, "DOUBLE"}, {SQL_FLOAT, "DOUBLE"},
	{SQL_BIT, "BIT"}, {SQL_GUID, "GUID"},
	{SQL_TYPE_TIMESTAMP, "TIMESTAMP"}, {SQL_TYPE_DATE, "DATE"},
	{SQL_VARCHAR, "VARCHAR"}, {SQL_WVARCHAR, "VARCHAR"},
	{SQL_LONGVARCHAR, "LONGVARCHAR"}, {SQL_WLONGVARCHAR, "LONGVARCHAR"},
	{SQL_VARBINARY, "VARBINARY"}, {SQL_LONGVARBINARY, "VARBINARY"},
};

/* Say what went wrong where, with what the driver says, and end. */
static void
die(const char *table, int column, SQLSMALLINT kind, SQLHANDLE handle)
{
	SQLCHAR		state[6] = "",
				message[1024] = "";
	SQLINTEGER	native;
	SQLSMALLINT length;

	SQLGetDiagRec(kind, handle, 1, state, &native, message, sizeof(message),
				  &length);
	fprintf(stderr, "%s, column %d: %s %s\n", table, column, (char *) state,
			(char *) message);
	exit(1);
}

static void
print_json(const char *text, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static const char *
type_name(SQLSMALLINT type)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return "unknown";
}

/* Bind a buffer of the reported size, where that is no long type. */
static void
describe(SQLHSTMT statement, const char *table, int number, Column *column)
{
	SQLCHAR		name[128];
	SQLSMALLINT name_length,
				digits,
				nullable;
	SQLULEN		size;
	SQLLEN		display;

	if (!SQL_SUCCEEDED(SQLDescribeCol(statement, number, name, sizeof(name),
									  &name_length, &column->type, &size,
									  &digits, &nullable)) ||
		!SQL_SUCCEEDED(SQLColAttribute(statement, number,
									   SQL_DESC_DISPLAY_SIZE, NULL, 0, NULL,
									   &display)))
		die(table, number, SQL_HANDLE_STMT, statement);
	free(column->bound);
	column->bound = NULL;
	if (strcmp(type_name(column->type), "LONGVARCHAR") == 0 ||
		display <= 0 || display > MAX_BOUND)
		return;
	/* a character takes up to four bytes */
	column->bound_size = display * 4 + 1;
	column->bound = malloc(column->bound_size);
	SQLBindCol(statement, number, SQL_C_CHAR, column->bound,
			   column->bound_size, &column->length);
}

/* A long value, piece by piece; the caller frees it.  NULL is NULL. */
static char *
read_pieces(SQLHSTMT statement, const char *table, int number, size_t *length)
{
	char	   *text = malloc(1);
	char		piece[1000];
	SQLLEN		left;
	SQLRETURN	result;

	*length = 0;
	while ((result = SQLGetData(statement, number, SQL_C_CHAR, piece,
								sizeof(piece), &left)) != SQL_NO_DATA)
	{
		size_t		got;

		if (!SQL_SUCCEEDED(result))
			die(table, number, SQL_HANDLE_STMT, statement);
		if (left == SQL_NULL_DATA)
		{
			free(text);
			return NULL;
		}
		got = (result == SQL_SUCCESS_WITH_INFO) ? sizeof(piece) - 1 : (size_t) left;
		text = realloc(text, *length + got + 1);
		memcpy(text + *length, piece, got);
		*length += got;
		if (result == SQL_SUCCESS)
			break;
	}
	return text;
}

static void
print_row(SQLHSTMT statement, const char *table, Column *columns, int count)
{
	putchar('[');
	for (int i = 0; i < count; i++)
	{
		Column	   *column = &columns[i];
		size_t		length;
		char	   *text;

		if (i > 0)
			putchar(',');
		if (column->bound && column->length == SQL_NULL_DATA)
			printf("null");
		else if (column->bound)
			print_json(column->bound, column->length);
		else if ((text = read_pieces(statement, table, i + 1, &length)) == NULL)
			printf("null");
		else
		{
			print_json(text, length);
			free(text);
		}
	}
	puts("]");
}

static void
read_table(SQLHDBC connection, const char *table)
{
	static Column columns[MAX_COLUMNS];
	SQLHSTMT	statement;
	SQLSMALLINT count;
	SQLRETURN	result;
	char		query[200];

	snprintf(query, sizeof(query), "SELECT * FROM cdp.%s", table);
	SQLAllocHandle(SQL_HANDLE_STMT, connection, &statement);
	if (!SQL_SUCCEEDED(SQLExecDirect(statement, (SQLCHAR *) query, SQL_NTS)))
		die(table, 0, SQL_HANDLE_STMT, statement);
	SQLNumResultCols(statement, &count);
	if (count > MAX_COLUMNS)
		die(table, count, SQL_HANDLE_STMT, statement);
	printf("@%s\n[", table);
	for (int i = 0; i < count; i++)
	{
		describe(statement, table, i + 1, &columns[i]);
		printf("%s\"%s\"", i > 0 ? "," : "", type_name(columns[i].type));
	}
	puts("]");
	while ((result = SQLFetch(statement)) == SQL_SUCCESS)
		print_row(statement, table, columns, count);
	/* what did not fit its buffer is said here */
	if (result != SQL_NO_DATA)
		die(table, 0, SQL_HANDLE_STMT, statement);
	SQLFreeHandle(SQL_HANDLE_STMT, statement);
}

int
main(int argc, char **argv)
{
	SQLHENV		environment;
	SQLHDBC		connection;

	SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &environment);
	SQLSetEnvAttr(environment, SQL_ATTR_ODBC_VERSION,
				  (SQLPOINTER) SQL_OV_ODBC3, 0);
	SQLAllocHandle(SQL_HANDLE_DBC, environment, &connection);
	if (!SQL_SUCCEEDED(SQLDriverConnect(connection, NULL, (SQLCHAR *) argv[1],
										SQL_NTS, NULL, 0, NULL,
										SQL_DRIVER_NOPROMPT)))
		die("connection", 0, SQL_HANDLE_DBC, connection);
	for (int i = 2; i < argc; i++)
		read_table(connection, argv[i]);
	return 0;
}
