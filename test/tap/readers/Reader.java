/*
 * Reader.java: reads tables over JDBC as a BI tool does.
 *
 *	java -cp postgresql.jar Reader.java URL TABLE...
 *
 * Each value is asked for as what the driver says the column is, and printed as
 * PostgreSQL would print it.  For each table a line "@TABLE", a JSON array of
 * the columns' types and one of the values of each row.
 */
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;

public class Reader {
	static final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
	static final DateTimeFormatter instant = new DateTimeFormatterBuilder()
		.appendPattern("uuuu-MM-dd HH:mm:ss")
		.appendFraction(ChronoField.MICRO_OF_SECOND, 0, 6, true)
		.appendLiteral("+00").toFormatter();

	public static void main(String[] arguments) throws Exception {
		try (Connection connection = DriverManager.getConnection(arguments[0])) {
			connection.setAutoCommit(false);
			for (String table : Arrays.asList(arguments).subList(1, arguments.length))
				readTable(connection, table);
		}
		out.flush();
	}

	static void readTable(Connection connection, String table) throws SQLException {
		try (Statement statement = connection.createStatement()) {
			statement.setFetchSize(50);
			ResultSet rows = statement.executeQuery("SELECT * FROM cdp." + table);
			ResultSetMetaData about = rows.getMetaData();
			List<String> types = new ArrayList<>();
			for (int i = 1; i <= about.getColumnCount(); i++)
				types.add(JDBCType.valueOf(about.getColumnType(i)).getName() + " " + about.getColumnTypeName(i));
			out.println("@" + table);
			out.println(json(types.toArray()));
			while (rows.next()) {
				Object[] values = new Object[types.size()];
				for (int i = 0; i < values.length; i++)
					values[i] = value(rows, i + 1, about.getColumnType(i + 1), about.getColumnTypeName(i + 1));
				out.println(json(values));
			}
		}
	}

	/* As a program that handles the type asks for it; null is null. */
	static Object value(ResultSet rows, int column, int type, String name) throws SQLException {
		Object value = name.equals("timestamptz")
			? rows.getObject(column, OffsetDateTime.class) : rows.getObject(column);
		if (value == null)
			return null;
		if (value instanceof OffsetDateTime time)
			return time.equals(OffsetDateTime.MAX) ? "infinity" : time.equals(OffsetDateTime.MIN) ? "-infinity"
				: time.withOffsetSameInstant(ZoneOffset.UTC).format(instant);
		if (value instanceof BigDecimal number)
			return number.toPlainString();
		if (value instanceof java.sql.Array array)
			return json((Object[]) array.getArray());
		if (value instanceof byte[] bytes)
			return hex(bytes);
		/* interval, jsonb and other types of PostgreSQL come as objects that hold their text */
		return type == Types.OTHER ? rows.getString(column) : value.toString();
	}

	static String hex(byte[] bytes) {
		StringBuilder text = new StringBuilder("\\x");
		for (byte one : bytes)
			text.append(String.format("%02x", one));
		return text.toString();
	}

	static String json(Object[] values) {
		StringJoiner list = new StringJoiner(",", "[", "]");
		for (Object value : values)
			list.add(value == null ? "null" : quoted(value instanceof byte[] bytes ? hex(bytes) : value.toString()));
		return list.toString();
	}

	static String quoted(String text) {
		StringBuilder quoted = new StringBuilder("\"");
		for (char c : text.toCharArray())
			if (c == '"' || c == '\\')
				quoted.append('\\').append(c);
			else if (c < 0x20)
				quoted.append(String.format("\\u%04x", (int) c));
			else
				quoted.append(c);
		return quoted.append('"').toString();
	}
}
