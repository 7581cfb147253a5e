using System.Text;

namespace Lamina.Server.Store;

/// <summary>What every store accepts: below what etcd refuses (128 operations, 1.5 MiB a request, 4 MiB a gRPC message).</summary>
internal static class StoreLimits
{
    public const int KeyBytes = 512;

    public const int ValueBytes = 64 * 1024;

    /// <summary>Compares, writes and else-keys are counted each by themselves, as etcd does.</summary>
    public const int Operations = 100;

    /// <summary>All values of one transaction together.</summary>
    public const int TransactionBytes = 1024 * 1024;

    public const int PageSize = 1000;

    // Throws ArgumentException at a lone surrogate, which has no UTF-8 form.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="ArgumentException">Says which limit the transaction breaks, and at which key.</exception>
    public static void Check(StoreTransaction transaction)
    {
        CheckCount(transaction.Compares.Count, "compares");
        CheckCount(transaction.Writes.Count, "writes");
        CheckCount(transaction.ElseKeys.Count, "else-keys");
        foreach (var compare in transaction.Compares) CheckKey(compare.Key);
        foreach (var key in transaction.ElseKeys) CheckKey(key);
        CheckWrites(transaction.Writes);
    }

    public static void CheckKey(string key)
    {
        if (key.Length == 0) throw new ArgumentException("A store key must not be empty.", nameof(key));
        if (key.Contains('\0', StringComparison.Ordinal)) throw new ArgumentException($"The store key '{key}' contains NUL.", nameof(key));
        int bytes = StrictUtf8.GetByteCount(key);
        if (bytes > KeyBytes) throw new ArgumentException($"The store key '{key}' has {bytes} bytes; at most {KeyBytes} are allowed.", nameof(key));
    }

    /// <exception cref="ArgumentException">A first key was named, and not exactly one prefix.</exception>
    public static void CheckList(IReadOnlyList<string> prefixes, StoreListOptions? options)
    {
        if (options?.From is not null && prefixes.Count != 1)
            throw new ArgumentException("A list that begins at a key has exactly one prefix.", nameof(options));
    }

    private static void CheckCount(int count, string what)
    {
        if (count > Operations) throw new ArgumentException($"A transaction has {count} {what}; at most {Operations} are allowed.");
    }

    private static void CheckWrites(IReadOnlyList<StoreWrite> writes)
    {
        var written = new HashSet<string>(writes.Count, StringComparer.Ordinal);
        List<string>? prefixes = null;
        int total = 0;
        foreach (var write in writes)
        {
            switch (write)
            {
                case StoreWrite.Put put:
                    CheckKey(put.Key);
                    CheckValue(put);
                    CheckOnce(written, put.Key);
                    total += put.Value.Length;
                    break;
                case StoreWrite.Delete delete:
                    CheckKey(delete.Key);
                    CheckOnce(written, delete.Key);
                    break;
                case StoreWrite.DeletePrefix range:
                    CheckKey(range.Prefix);
                    (prefixes ??= []).Add(range.Prefix);
                    break;
            }
        }

        if (total > TransactionBytes)
            throw new ArgumentException($"A transaction writes {total} bytes; at most {TransactionBytes} are allowed.");
        if (prefixes is not null) CheckApart(prefixes, written);
    }

    private static void CheckValue(StoreWrite.Put put)
    {
        if (put.Value.Length > ValueBytes)
            throw new ArgumentException($"The value of '{put.Key}' has {put.Value.Length} bytes; at most {ValueBytes} are allowed.");
    }

    private static void CheckOnce(HashSet<string> written, string key)
    {
        if (!written.Add(key)) throw new ArgumentException($"A transaction writes the key '{key}' twice.");
    }

    private static void CheckApart(List<string> prefixes, HashSet<string> written)
    {
        foreach (string prefix in prefixes)
        {
            string? inside = written.FirstOrDefault(key => key.StartsWith(prefix, StringComparison.Ordinal))
                ?? prefixes.FirstOrDefault(other => !ReferenceEquals(other, prefix) && other.StartsWith(prefix, StringComparison.Ordinal));
            if (inside is not null) throw new ArgumentException($"A transaction deletes all of '{prefix}' and also writes '{inside}'.");
        }
    }
}
