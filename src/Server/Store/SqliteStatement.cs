using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>A prepared statement with positional parameters <c>$0</c>, <c>$1</c>, …; disposed with its connection.</summary>
internal sealed class SqliteStatement
{
    private readonly SqliteCommand _command;
    private bool _prepared;

    public SqliteStatement(SqliteConnection connection, string sql)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
    }

    public void Run(params ReadOnlySpan<object> arguments)
    {
        Bind(arguments);
        _command.ExecuteNonQuery();
    }

    public void Each(Action<SqliteDataReader> action, params ReadOnlySpan<object> arguments)
    {
        Bind(arguments);
        using var reader = _command.ExecuteReader();
        while (reader.Read()) action(reader);
    }

    /// <summary>The first row, or null.</summary>
    public T? First<T>(Func<SqliteDataReader, T> convert, params ReadOnlySpan<object> arguments)
        where T : struct
    {
        Bind(arguments);
        using var reader = _command.ExecuteReader();
        // An INSERT … RETURNING has done its work when its first row is here.
        return reader.Read() ? convert(reader) : null;
    }

    private void Bind(ReadOnlySpan<object> arguments)
    {
        if (!_prepared)
        {
            for (int index = 0; index < arguments.Length; index++) _command.Parameters.Add(new SqliteParameter { ParameterName = $"${index}" });
        }

        for (int index = 0; index < arguments.Length; index++) _command.Parameters[index].Value = arguments[index];
        if (!_prepared) _command.Prepare();
        _prepared = true;
    }
}
