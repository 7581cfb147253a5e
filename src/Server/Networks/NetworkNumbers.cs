using System.Globalization;
using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>The numbers of networks between hosts (VNI of RFC 7348): claimed in the store, so that no two networks meet on the wire.</summary>
internal static class NetworkNumbers
{
    private const int Count = 1 << 24;

    /// <summary>Gives a network that shall be made or changed its number, and adds the claim; a bridge has none.</summary>
    public static NetworkSpec Claim(StoreChange change, CacheSnapshot snapshot, string networkId, NetworkSpec spec)
    {
        if (spec.Kind == NetworkKind.Bridge || spec.Vni is not null) return spec;
        int vni;
        do vni = RandomNumberGenerator.GetInt32(1, Count);
        while (snapshot.Get(Keys.Vnis, IdOf(vni)) is not null);
        change.Create(Keys.Vnis, IdOf(vni), new Claim { Owner = networkId });
        return spec with { Vni = vni };
    }

    /// <summary>For the deletion of the network.</summary>
    public static void Release(StoreChange change, NetworkSpec spec)
    {
        if (spec.Vni is { } vni) change.Delete(Keys.Vnis[IdOf(vni)]);
    }

    private static string IdOf(int vni) => vni.ToString(CultureInfo.InvariantCulture);
}
