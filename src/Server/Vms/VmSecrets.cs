using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;

namespace Lamina.Server.Vms;

/// <summary>The secrets of a VM that are no person's: the key of its TPM.</summary>
internal static class VmSecrets
{
    private const int TpmKeyBytes = 32;

    public static SecretRecord NewTpmKey(SecretBox box, string vmId, VmTpm tpm) => TpmKey(box, vmId, tpm, RandomNumberGenerator.GetBytes(TpmKeyBytes));

    /// <summary>Of a copy of a VM, whose TPM state bears the key of the original.</summary>
    public static SecretRecord TpmKey(SecretBox box, string vmId, VmTpm tpm, ReadOnlySpan<byte> key) => new() { Owner = vmId, Sealed = box.Seal(tpm.Secret, key) };
}
