using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Server.Vms;

namespace Lamina.Server.Copies;

/// <summary>The sealed values of a clone: cloud-init data under its own id, and the key of a TPM of its own.</summary>
internal sealed class CloneSecrets(IStore store, SecretBox box)
{
    private const string HostnameKey = "hostname:";

    /// <summary>Adds the secrets to the change that takes the clone's names.</summary>
    /// <returns>Their keys.</returns>
    public async Task<IReadOnlyList<string>> AddAsync(StoreChange change, CloneDraft draft, VmSpec source, CloudInitCreate? asked, CancellationToken cancellation)
    {
        var keys = new List<string>();
        if (draft.Spec.CloudInit is { } cloudInit)
        {
            var secret = asked is null ? await OfSourceAsync(source.CloudInit!, cloudInit.Hostname, cancellation) : VmSecrets.NewCloudInit(asked, cloudInit.Hostname);
            Add(cloudInit.Secret, VmSecrets.Seal(box, draft.Id, cloudInit, secret));
        }

        if (draft.Spec.Tpm is { } tpm) Add(tpm.Secret, VmSecrets.NewTpmKey(box, draft.Id, tpm));
        return keys;

        void Add(string id, SecretRecord secret)
        {
            change.Create(Keys.Secrets, id, secret);
            keys.Add(Keys.Secrets[id]);
        }
    }

    /// <summary>The user-data with another host name, where it names one at all as we write it (pure).</summary>
    /// <param name="userData">A cloud-config, or anything else, which is left as it is.</param>
    /// <param name="from">The source's host name: what a person has written otherwise stays.</param>
    /// <param name="to">The clone's.</param>
    public static string WithHostname(string userData, string from, string to)
    {
        if (!userData.StartsWith("#cloud-config", StringComparison.Ordinal)) return userData;
        string[] lines = userData.Split('\n');
        for (int index = 0; index < lines.Length; index++)
        {
            if (!lines[index].StartsWith(HostnameKey, StringComparison.Ordinal)) continue;
            if (lines[index][HostnameKey.Length..].Trim().Trim('"', '\'') == from) lines[index] = $"{HostnameKey} \"{to}\"";
        }

        return string.Join('\n', lines);
    }

    /// <summary>An own network-config may name the source's MACs, but a person wrote it: it stays.</summary>
    private async Task<CloudInitSecret> OfSourceAsync(VmCloudInit source, string hostname, CancellationToken cancellation)
    {
        var secret = await VmSecrets.ReadAsync(store, box, source, cancellation) ?? throw new ProblemException(
            ProblemKind.Unprocessable, "vm.secretMissing", "The cloud-init data of the VM are gone from the store.", "Give the clone its own: --ssh-key, --user-data.");
        return secret with { UserData = WithHostname(secret.UserData, source.Hostname, hostname) };
    }
}
