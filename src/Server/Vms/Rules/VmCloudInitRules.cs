using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Isos;

namespace Lamina.Server.Vms.Rules;

/// <summary>What a VM may tell cloud-init (pure).</summary>
internal static class VmCloudInitRules
{
    /// <summary>What a change is merged into; in the place of the password stands its hash, which is never asked for as a password.</summary>
    /// <param name="spec">As it is; null: the VM has none.</param>
    /// <param name="secret">What is sealed; null: nothing, or it is gone.</param>
    public static CloudInitCreate Changeable(VmCloudInit? spec, CloudInitSecret? secret)
    {
        var conveniences = secret is null ? null : CloudInitSeed.Read(secret.UserData);
        return new CloudInitCreate
        {
            Hostname = spec?.Hostname,
            User = conveniences?.User,
            Password = conveniences?.PasswordHash,
            SshKeys = conveniences?.SshKeys,
            UserData = conveniences is null ? secret?.UserData : null,
            NetworkConfig = secret?.NetworkConfig,
        };
    }

    /// <summary>A document of one's own takes their place.</summary>
    public static CloudInitCreate WithoutConveniences(CloudInitCreate known) => known with { User = null, Password = null, SshKeys = null };

    /// <exception cref="InputException">All problems, each with its path.</exception>
    public static void Check(CloudInitCreate asked, VmSpec vm, VmLookups lookups)
    {
        var problems = new InputProblems();
        Check(asked, "$", [.. vm.Disks.Select(disk => lookups.Snapshot.Get(Keys.Disks.Spec, disk.Disk)?.Record.Image).OfType<string>().Select(lookups.FindImage).OfType<Image>()], problems);
        problems.ThrowIfAny();
    }

    /// <param name="asked">As asked for.</param>
    /// <param name="path">Its JSON path.</param>
    /// <param name="images">Of which the VM's disks are made.</param>
    /// <param name="problems">What is wrong is added.</param>
    public static void Check(CloudInitCreate asked, string path, IReadOnlyList<Image> images, InputProblems problems)
    {
        foreach (var problem in CloudInitRules.Check(asked, path)) problems.Add(problem.Path, problem.Code, problem.Message);
        if (images.Count > 0 && images.All(image => !image.Spec.CloudInit))
            problems.Add(path, "cloudInit.unsupported", $"Image {images[0].Name} is marked as one without cloud-init, so nobody would read this: leave it out, or import the image anew with cloudInit.");
    }
}
