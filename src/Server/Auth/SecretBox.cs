using System.Security.Cryptography;
using System.Text;

namespace Lamina.Server.Auth;

/// <summary>
/// Seals what is stored under <c>secrets/&lt;id&gt;</c> with AES-256-GCM under a key in a root-only file, so that a copy of the store alone gives nothing
/// away. The id is authenticated with it: a sealed value put under another id does not open.
/// </summary>
/// <remarks>Form: one byte version, 12 bytes nonce, 16 bytes tag, then the cipher text. Nonces are random; 2^32 seals under one key are safe.</remarks>
internal sealed class SecretBox : IDisposable
{
    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int HeaderBytes = 1 + NonceBytes + TagBytes;

    // One at a time: the cipher's native state is one, and two that use it at once spoil each other's work.
    private readonly Lock _gate = new();
    private readonly AesGcm _cipher;

    private SecretBox(byte[] key) => _cipher = new AesGcm(key, TagBytes);

    /// <summary>Takes the key from the file, which is made when it is not there.</summary>
    /// <exception cref="ProblemException">The file is no key: sealed secrets are lost without the right one, so it is never replaced.</exception>
    public static SecretBox Open(string keyFile)
    {
        byte[] key = SecretFile.ReadOrCreate(keyFile, static () => RandomNumberGenerator.GetBytes(32));
        if (key.Length == 32) return new SecretBox(key);
        throw new ProblemException(
            ProblemKind.Internal, "secrets.keyInvalid", $"{keyFile} is no key of 32 bytes, so the secrets of VMs cannot be opened.",
            "Restore that file from a backup of the data folder.");
    }

    public byte[] Seal(string id, ReadOnlySpan<byte> plain)
    {
        byte[] box = new byte[HeaderBytes + plain.Length];
        box[0] = Version;
        RandomNumberGenerator.Fill(box.AsSpan(1, NonceBytes));
        lock (_gate) _cipher.Encrypt(box.AsSpan(1, NonceBytes), plain, box.AsSpan(HeaderBytes), box.AsSpan(1 + NonceBytes, TagBytes), Bound(id));
        return box;
    }

    /// <exception cref="ProblemException">It was sealed under another key or id, or was changed.</exception>
    public byte[] Unseal(string id, ReadOnlySpan<byte> box)
    {
        try
        {
            if (box.Length < HeaderBytes || box[0] != Version) throw new CryptographicException("The form is not known.");
            byte[] plain = new byte[box.Length - HeaderBytes];
            lock (_gate) _cipher.Decrypt(box.Slice(1, NonceBytes), box[HeaderBytes..], box.Slice(1 + NonceBytes, TagBytes), plain, Bound(id));
            return plain;
        }
        catch (CryptographicException failure)
        {
            throw new ProblemException(
                ProblemKind.Internal, "secrets.sealBroken", $"The secret {id} does not open: another key sealed it, or it was changed.",
                "Restore the folder 'secrets' of the data folder together with the store.", failure);
        }
    }

    public void Dispose() => _cipher.Dispose();

    private static byte[] Bound(string id) => Encoding.UTF8.GetBytes($"secrets/{id}");
}
