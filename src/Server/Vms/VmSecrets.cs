using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Linux.Host;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Isos;
using Lamina.Server.Store;

namespace Lamina.Server.Vms;

/// <summary>The secrets of a VM: the key of its TPM, and what its cloud-init is told.</summary>
internal static class VmSecrets
{
    private const int TpmKeyBytes = 32;

    public static SecretRecord NewTpmKey(SecretBox box, string vmId, VmTpm tpm) => TpmKey(box, vmId, tpm, RandomNumberGenerator.GetBytes(TpmKeyBytes));

    /// <summary>Of a copy of a VM, whose TPM state bears the key of the original.</summary>
    public static SecretRecord TpmKey(SecretBox box, string vmId, VmTpm tpm, ReadOnlySpan<byte> key) => new() { Owner = vmId, Sealed = box.Seal(tpm.Secret, key) };

    /// <summary>Of a password only the hash is kept.</summary>
    /// <param name="asked">Null: nothing but the host name.</param>
    /// <param name="hostname">The guest's.</param>
    /// <param name="keptHash">What stands in the place of a password that stays as it is.</param>
    public static CloudInitSecret NewCloudInit(CloudInitCreate? asked, string hostname, string? keptHash = null) => new()
    {
        UserData = CloudInitSeed.UserData(asked, hostname, asked?.Password is { } password && password != keptHash ? PasswordHash.Sha512(password) : asked?.Password),
        NetworkConfig = asked?.NetworkConfig,
    };

    public static SecretRecord Seal(SecretBox box, string vmId, VmCloudInit cloudInit, CloudInitSecret secret) =>
        new() { Owner = vmId, Sealed = box.Seal(cloudInit.Secret, RecordJson.Write(secret, ApiJson.Default.CloudInitSecret)) };

    /// <summary>Null: it is gone from the store.</summary>
    public static async Task<CloudInitSecret?> ReadAsync(IStore store, SecretBox box, VmCloudInit cloudInit, CancellationToken cancellation) =>
        await store.GetAsync(Keys.Secrets[cloudInit.Secret], cancellation) is not { } item ? null
            : RecordJson.Read(item.Key, box.Unseal(cloudInit.Secret, RecordJson.Read(item, Keys.Secrets).Sealed), ApiJson.Default.CloudInitSecret);
}
