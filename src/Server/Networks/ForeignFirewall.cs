using System.Text.RegularExpressions;

namespace Lamina.Server.Networks;

/// <summary>Packet rules of somebody else that drop what this host would pass on between guests and the world.</summary>
/// <param name="Owner">As people know it: Docker, ufw, firewalld, or the table's name.</param>
/// <param name="Table">Family and name: <c>ip filter</c>.</param>
/// <param name="Chain">Where it drops.</param>
internal sealed partial record ForeignFirewall(string Owner, string Table, string Chain)
{
    /// <summary>Reads the answer of <c>nft list chains</c> (pure): base chains of the hook forward that drop by policy, and firewalld's, which rejects at its end.</summary>
    /// <param name="chains">All chains of the host, without their rules.</param>
    /// <param name="ownTables">Tables whose name begins so are Lamina's.</param>
    public static IReadOnlyList<ForeignFirewall> Find(string chains, string ownTables)
    {
        var found = new List<ForeignFirewall>();
        var (table, chain) = ("", "");
        foreach (var line in chains.Split('\n').Select(line => line.Trim()))
        {
            if (TableLine().Match(line) is { Success: true } opened) table = opened.Groups[1].Value;
            else if (ChainLine().Match(line) is { Success: true } begun) chain = begun.Groups[1].Value;
            else if (line.Contains("hook forward", StringComparison.Ordinal) && Drops(line, table) && !table.Split(' ')[^1].StartsWith(ownTables, StringComparison.Ordinal))
                found.Add(new(OwnerOf(table, chains), table, chain));
        }

        return found;
    }

    /// <summary>Its rules let Lamina's links pass already (pure), as the remedies of doctor do.</summary>
    /// <param name="rules">Answer of <c>nft list table</c>.</param>
    public static bool LetsGuestsPass(string rules) => OurLinks().IsMatch(rules);

    /// <summary>Only IPv4 and bridges are looked at where iptables made the table: another family says nothing of guests.</summary>
    private static bool Drops(string line, string table) =>
        !table.StartsWith("ip6 ", StringComparison.Ordinal)
        && (line.Contains("policy drop", StringComparison.Ordinal) || table == "inet firewalld");

    private static string OwnerOf(string table, string chains) => table switch
    {
        "inet firewalld" => "firewalld",
        _ when chains.Contains("chain DOCKER", StringComparison.Ordinal) && table == "ip filter" => "Docker",
        _ when chains.Contains("chain ufw-", StringComparison.Ordinal) && table == "ip filter" => "ufw",
        _ => $"table {table}",
    };

    [GeneratedRegex(@"^table (\S+ \S+) \{")]
    private static partial Regex TableLine();

    [GeneratedRegex(@"^chain (\S+) \{")]
    private static partial Regex ChainLine();

    [GeneratedRegex(@"[io]if(name)? ""?lm[a-z2-7*]")]
    private static partial Regex OurLinks();
}
