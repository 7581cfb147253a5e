using System.Globalization;
using System.Text;
using Lamina.Server.Auth;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>Which word of a recovery is believed, and which of two counts (pure).</summary>
internal static class RecoverySeal
{
    public static RecoveryRecord Sign(TlsIdentity tls, RecoveryRecord record) => record with { Signature = tls.Sign(WordsOf(record)) };

    /// <summary>It is of this cluster, and signed by its CA.</summary>
    public static bool Holds(TlsIdentity tls, RecoveryRecord record, string clusterId) => record.ClusterId == clusterId && tls.IsSigned(WordsOf(record), record.Signature);

    /// <summary>Whether the store that a host knows was replaced by the one that is spoken of. Of two with one generation the later one counts, on every host alike.</summary>
    /// <param name="found">Of the other store.</param>
    /// <param name="storeId">Of the host's: <c>etcd.generation</c>.</param>
    /// <param name="known">By which the host's store came to be; null: not by a recovery.</param>
    public static bool Replaces(RecoveryRecord found, string storeId, RecoveryRecord? known)
    {
        string[] parts = storeId.Split('.');
        if (found.Etcd == parts[0]) return false;
        long generation = parts.Length > 1 ? long.Parse(parts[1], CultureInfo.InvariantCulture) : 1;
        return found.Generation > generation || (found.Generation == generation && found.At > (known?.At ?? DateTimeOffset.MinValue));
    }

    private static byte[] WordsOf(RecoveryRecord record) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"lamina recovery\n{record.ClusterId}\n{record.Generation}\n{record.Etcd}\n{string.Join(' ', record.Endpoints)}\n{record.At.UtcTicks}\n{record.Host}\n{record.Snapshot}"));
}
