// Times in PostgreSQL's statements.
#pragma once

/// A column as now_iso8601() writes a time. Statements are string literals, so this is one.
#define MORGAN_PG_TIME(column) "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
