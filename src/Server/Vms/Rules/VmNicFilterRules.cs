using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.FirewallGroups;

namespace Lamina.Server.Vms.Rules;

/// <summary>Which groups filter a card, and how fast it may be (pure).</summary>
internal static class VmNicFilterRules
{
    public const int MostGroups = 8;
    public const int LeastKbps = 64;
    public const int MostKbps = 100_000_000;

    /// <summary>The card with what was asked for, and nothing that was not; a rate of 0 is none.</summary>
    /// <param name="nic">The card.</param>
    /// <param name="groups">Names or ids.</param>
    /// <param name="inboundKbps">Towards the guest.</param>
    /// <param name="outboundKbps">From the guest.</param>
    /// <param name="path">JSON path of the card.</param>
    /// <param name="lookups">What the groups are looked up in.</param>
    /// <param name="problems">Gets every problem.</param>
    public static VmNic Apply(VmNic nic, IReadOnlyList<string>? groups, int? inboundKbps, int? outboundKbps, string path, VmLookups lookups, InputProblems problems)
    {
        (inboundKbps, outboundKbps) = (inboundKbps is 0 ? null : inboundKbps, outboundKbps is 0 ? null : outboundKbps);
        if (nic.Kind == NicKind.User && (groups is { Count: > 0 } || inboundKbps is not null || outboundKbps is not null))
        {
            problems.Add(path, "nic.userFilter", "A card of kind user has no tap on the host: it takes neither firewall groups nor rates.");
            return nic;
        }

        CheckRate(inboundKbps, path + ".inboundKbps", problems);
        CheckRate(outboundKbps, path + ".outboundKbps", problems);
        return nic with
        {
            FirewallGroups = Groups(groups ?? [], path + ".firewallGroups", lookups, problems),
            InboundKbps = inboundKbps,
            OutboundKbps = outboundKbps,
        };
    }

    public static IReadOnlyList<string> Groups(IReadOnlyList<string> asked, string path, VmLookups lookups, InputProblems problems)
    {
        if (asked.Count > MostGroups) problems.Add(path, "nic.tooManyGroups", $"A card bears at most {MostGroups} firewall groups; these are {asked.Count}.");
        var found = new List<string>();
        for (int index = 0; index < Math.Min(asked.Count, MostGroups); index++)
        {
            if (FirewallRules.FindGroup(lookups.Snapshot, lookups.Project, asked[index]) is not { } group)
                problems.Add($"{path}[{index}]", "firewallGroup.notFound", $"There is no firewall group '{Suggestions.Shorten(asked[index])}': 'lamina firewall group list' shows those there are.");
            else if (found.Contains(group.Id)) problems.Add($"{path}[{index}]", "nic.groupTwice", $"Firewall group '{group.Record.Name}' is named twice: leave it out.");
            else found.Add(group.Id);
        }

        return found;
    }

    private static void CheckRate(int? kbps, string path, InputProblems problems)
    {
        if (kbps is < LeastKbps or > MostKbps) problems.Add(path, "nic.rate", $"A card's rate lies between {LeastKbps} and {MostKbps} kbit/s; leave it out for none.");
    }
}
