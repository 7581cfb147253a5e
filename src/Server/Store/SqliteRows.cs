using Microsoft.Data.Sqlite;

namespace Lamina.Server.Store;

/// <summary>Rows of the tables as the store's records.</summary>
internal static class SqliteRows
{
    /// <summary>key, value, create_revision, mod_revision, lease.</summary>
    public static StoreItem Item(SqliteDataReader row) =>
        new(row.GetString(0), row.GetFieldValue<byte[]>(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));

    /// <summary>revision, key, value (null: deleted), create_revision, lease.</summary>
    public static StoreEvent Event(SqliteDataReader row)
    {
        string key = row.GetString(1);
        return row.IsDBNull(2)
            ? new StoreEvent(key, null)
            : new StoreEvent(key, new StoreItem(key, row.GetFieldValue<byte[]>(2), row.GetInt64(3), row.GetInt64(0), row.GetInt64(4)));
    }
}
