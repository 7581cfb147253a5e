using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Lamina.Linux.Host;

/// <summary>Hashes of passwords as /etc/shadow of a Linux guest holds them: crypt(5), method SHA-512, which every distribution understands.</summary>
public static partial class PasswordHash
{
    private const string SaltAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int SaltLength = 16;

    // sizeof(struct crypt_data) of libxcrypt, which is fixed for good (crypt(3)).
    private const int CryptDataBytes = 32768;

    /// <summary>Hashes with a fresh salt.</summary>
    /// <param name="password">Without NUL characters.</param>
    public static string Sha512(string password) => Sha512(password, RandomNumberGenerator.GetString(SaltAlphabet, SaltLength));

    /// <exception cref="LinuxException">libcrypt refused the password or the salt.</exception>
    internal static unsafe string Sha512(string password, string salt)
    {
        var data = new byte[CryptDataBytes];
        var phrase = Encoding.UTF8.GetBytes(password + "\0");
        try
        {
            // SAFETY: the result points into data, which stays fixed until it has been copied into a string.
            fixed (byte* room = data)
            {
                var hash = crypt_rn(phrase, $"$6${salt}$", room, data.Length);
                return hash == 0 ? throw LinuxException.Last("hash a password") : Marshal.PtrToStringUTF8(hash)!;
            }
        }
        finally
        {
            // Both hold what leads to the password.
            CryptographicOperations.ZeroMemory(data);
            CryptographicOperations.ZeroMemory(phrase);
        }
    }

    [LibraryImport("libcrypt.so.1", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial nint crypt_rn(byte[] phrase, string setting, byte* data, int size);
}
