using System.Text.Json.Serialization.Metadata;
using Lamina.Server.Control;
using Xunit;

namespace Lamina.Tests.Unit.Control;

/// <summary>A daemon that is older than the record must not lose what a newer one wrote (decision 13), however deep it lies.</summary>
public sealed class UnknownMembersTests
{
    [Fact]
    public void Every_object_in_every_stored_record_keeps_the_members_it_does_not_know()
    {
        var losing = new SortedSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<Type>();
        foreach (var kind in Keys.Cached.Concat([Keys.Secrets, Keys.Events, Keys.Audit, Keys.Idempotency])) Visit(kind.UntypedInfo);
        Assert.Empty(losing);

        void Visit(JsonTypeInfo info)
        {
            if (!seen.Add(info.Type)) return;
            if (info.ElementType is not null) Visit(info.Options.GetTypeInfo(info.ElementType));
            if (info.Kind != JsonTypeInfoKind.Object) return;
            if (!info.Properties.Any(property => property.IsExtensionData)) losing.Add(info.Type.Name);
            foreach (var property in info.Properties.Where(property => !property.IsExtensionData))
                Visit(info.Options.GetTypeInfo(property.PropertyType));
        }
    }
}
