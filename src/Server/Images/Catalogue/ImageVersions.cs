using System.Globalization;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Images.Catalogue;

/// <summary>
/// Several versions of one pulled image (pure): the newest bears the name (<c>debian/12</c>), each older one <c>name@version</c>. Disks know their image by
/// its id, so a change of names changes nothing for them.
/// </summary>
internal static class ImageVersions
{
    /// <summary>The version of a pull that begins now; it sorts by time. Two of one second get different ones.</summary>
    public static string Next(CacheSnapshot snapshot, string project, string name, DateTimeOffset now)
    {
        var known = snapshot.All(Keys.Images.Spec)
            .Where(image => image.Record.Project == project && BaseName(image.Record.Name) == name)
            .Select(image => image.Record.Version)
            .ToHashSet();
        while (known.Contains(Of(now))) now = now.AddSeconds(1);
        return Of(now);
    }

    /// <summary>
    /// The name under which a pull begins: the wanted one when it is free, else <c>name@version</c> when a pull from the same source holds it, until the new
    /// content is there.
    /// </summary>
    /// <exception cref="ProblemException">Another image holds the name.</exception>
    public static string NameFor(CacheSnapshot snapshot, string project, string name, ImageSource source, string version)
    {
        if (snapshot.Get(Keys.Names, Keys.NameId(project, "image", name)) is not { } claim) return name;
        if (snapshot.Get(Keys.Images.Spec, claim.Record.Owner) is { } holder && IsSame(holder.Record.Source, source)) return Versioned(name, version);
        throw ProblemException.NameTaken("image", name, project);
    }

    /// <summary>The image whose name this one will take; null: it has its name already, or that is free now.</summary>
    public static CachedRecord<ImageSpec>? Holder(CacheSnapshot snapshot, ImageSpec spec) =>
        snapshot.Get(Keys.Names, Keys.NameId(spec.Project, "image", BaseName(spec.Name))) is { } claim
        && snapshot.Get(Keys.Images.Spec, claim.Record.Owner) is { } holder && holder.Record.Name != spec.Name
            ? holder
            : null;

    /// <summary>Gives the finished image its name, and the one that had it its version's.</summary>
    public static void TakeName(StoreChange change, CacheSnapshot snapshot, CachedRecord<ImageSpec> image)
    {
        string name = BaseName(image.Record.Name);
        if (name == image.Record.Name) return;
        change.Delete(NameKey(image.Record, image.Record.Name));
        change.Update(Keys.Images.Spec, image.Id, image.Record with { Name = name }, image.ModRevision);
        string id = Keys.NameId(image.Record.Project, "image", name);
        if (Holder(snapshot, image.Record) is { } holder)
        {
            var claim = snapshot.Get(Keys.Names, id)!;
            string old = Versioned(name, holder.Record.Version ?? Of(holder.Record.CreatedAt));
            change.Update(Keys.Names, id, new Claim { Owner = image.Id }, claim.ModRevision);
            change.Create(Keys.Names, Keys.NameId(image.Record.Project, "image", old), new Claim { Owner = holder.Id });
            change.Update(Keys.Images.Spec, holder.Id, holder.Record with { Name = old }, holder.ModRevision);
        }
        else
        {
            change.Create(Keys.Names, id, new Claim { Owner = image.Id });
        }
    }

    /// <summary>The name without a version.</summary>
    public static string BaseName(string name) => name.Split('@')[0];

    private static string Of(DateTimeOffset time) => time.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);

    private static string Versioned(string name, string version) => $"{name}@{version}";

    private static string NameKey(ImageSpec spec, string name) => Keys.Names[Keys.NameId(spec.Project, "image", name)];

    private static bool IsSame(ImageSource? one, ImageSource other) =>
        one is not null && (other.Catalogue is null ? one.Catalogue is null && one.Url == other.Url : one.Catalogue == other.Catalogue);
}
