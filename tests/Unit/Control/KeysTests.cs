using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Control;

public sealed class KeysTests
{
    [Theory]
    [InlineData("vms/1/status")]
    [InlineData("vms/1")]
    [InlineData("vms//spec")]
    [InlineData("vms/spec")]
    [InlineData("disks/1/spec")]
    [InlineData("")]
    public void A_key_of_another_kind_has_no_id(string key) => Assert.Null(Keys.Vms.Spec.IdOf(key));

    [Fact]
    public void A_single_key_has_an_empty_id()
    {
        Assert.Equal("leader", Keys.Leader[""]);
        Assert.Equal("", Keys.Leader.IdOf("leader"));
        Assert.Null(Keys.Leader.IdOf("leader2"));
        Assert.Null(Keys.Leader.IdOf("lead"));
    }

    [Fact]
    public void A_key_is_prefix_id_and_suffix()
    {
        Assert.Equal("vms/1/spec", Keys.Vms.Spec["1"]);
        Assert.Equal("1", Keys.Vms.Spec.IdOf("vms/1/spec"));
        Assert.Equal("names/default/image/debian/12", Keys.Names[Keys.NameId("default", "image", "debian/12")]);
        Assert.Equal("default/image/debian/12", Keys.Names.IdOf("names/default/image/debian/12"));
        Assert.Equal("addresses/net1/192.168.200.10", Keys.Addresses[Keys.AddressId("net1", "192.168.200.10")]);
        Assert.Equal("idempotency/user%3Aadmin/a%2Fb%00", Keys.Idempotency[Keys.IdempotencyId("user:admin", "a/b\0")]);
    }

    [Fact]
    public void A_key_of_an_object_on_a_host_is_told_from_those_of_the_object()
    {
        string id = Keys.Pools.OnHostId("p1", "h1");
        Assert.Equal("pools/p1/hosts/h1", Keys.Pools.OnHost[id]);
        Assert.Equal(id, Keys.Pools.OnHost.IdOf("pools/p1/hosts/h1"));
        Assert.Null(Keys.Pools.OnHost.IdOf("pools/p1/status"));
        Assert.Null(Keys.Pools.Status.IdOf("pools/p1/hosts/h1"));
        Assert.Equal("p1", Keys.Pools.OnHost.ObjectOf(id));
        Assert.Equal("p1", Keys.Pools.Spec.ObjectOf("p1"));
    }

    [Fact]
    public void No_key_belongs_to_two_kinds()
    {
        RecordKind[] all = [.. Keys.Cached, Keys.Secrets, Keys.Events, Keys.Audit, Keys.Idempotency];
        Assert.DoesNotContain(null, all);
        foreach (var kind in all)
        {
            string key = kind[!kind.Prefix.EndsWith('/') ? "" : kind.Within.Length == 0 ? "x" : $"x{kind.Within}y"];
            Assert.Equal([kind], all.Where(other => other.IdOf(key) is not null));
        }
    }

    [Fact]
    public void What_must_not_be_mirrored_is_not()
    {
        Assert.DoesNotContain(Keys.Secrets, Keys.Cached);
        Assert.DoesNotContain(Keys.Events, Keys.Cached);
        Assert.DoesNotContain(Keys.Audit, Keys.Cached);
        Assert.DoesNotContain(Keys.Idempotency, Keys.Cached);
    }

    [Fact]
    public void Members_of_a_newer_version_survive_a_rewrite()
    {
        byte[] newer = Encoding.UTF8.GetBytes("""{"schema":2,"owner":"vm1","colour":{"deep":[1,2]}}""");
        var claim = RecordJson.Read(new StoreItem("names/x", newer, 1, 1), Keys.Names);
        string rewritten = Encoding.UTF8.GetString(RecordJson.Write(claim with { Owner = "vm2" }, Keys.Names.TypeInfo));

        using var document = JsonDocument.Parse(rewritten);
        Assert.Equal("vm2", document.RootElement.GetProperty("owner").GetString());
        Assert.Equal(2, document.RootElement.GetProperty("schema").GetInt32());
        Assert.Equal("[1,2]", document.RootElement.GetProperty("colour").GetProperty("deep").GetRawText());
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"owner":3}""")]
    public void A_value_that_is_no_such_record_is_named_by_its_key(string json)
    {
        var problem = Assert.Throws<InvalidDataException>(
            () => RecordJson.Read(new StoreItem("names/x", Encoding.UTF8.GetBytes(json), 1, 1), Keys.Names));
        Assert.Contains("names/x", problem.Message);
    }

    [Fact]
    public void Time_ordered_ids_rise_even_when_the_clock_steps_back()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)) { AutoAdvanceAmount = TimeSpan.Zero };
        var ids = new TimeOrderedId(time);
        var made = Enumerable.Range(0, 1000).Select(_ => ids.Next()).ToList();
        string edge = TimeOrderedId.EdgeAt(time.GetUtcNow() + TimeSpan.FromSeconds(1));
        time.Advance(TimeSpan.FromSeconds(1));
        made.Add(ids.Next());
        time.AdjustTime(time.GetUtcNow() - TimeSpan.FromHours(1));
        made.Add(ids.Next());

        Assert.Equal(made.Order(StringComparer.Ordinal), made);
        Assert.Equal(made.Count, made.Distinct().Count());
        Assert.True(string.CompareOrdinal(made[999], edge) < 0 && string.CompareOrdinal(edge, made[1000]) < 0);
    }
}
