using Lamina.Api;
using Lamina.Server.Isos;
using YamlDotNet.RepresentationModel;

namespace Lamina.Tests.Unit.Isos;

public class CloudInitSeedTests
{
    private static readonly VmCloudInit Spec = new() { Hostname = "web1", InstanceId = "i-1", Secret = "s" };

    [Fact]
    public void Ones_own_document_is_passed_on_as_it_is()
    {
        const string Own = "#!/bin/sh\necho 'héllo'\n";
        Assert.Equal(Own, CloudInitSeed.UserData(new CloudInitCreate { UserData = Own }, "web1", null));
    }

    [Fact]
    public void Texts_that_look_like_other_values_stay_texts()
    {
        var text = CloudInitSeed.UserData(new CloudInitCreate { User = "123", SshKeys = ["ssh-ed25519 AAAA \"quoted\" # ünï 😀: {x}"] }, "no", null);

        Assert.StartsWith("#cloud-config\n", text, StringComparison.Ordinal);
        Assert.Contains("hostname: \"no\"", text, StringComparison.Ordinal);
        var user = (YamlMappingNode)((YamlSequenceNode)Parse(text)["users"])[0];
        Assert.Equal("123", ((YamlScalarNode)user["name"]).Value);
        Assert.Equal("ssh-ed25519 AAAA \"quoted\" # ünï 😀: {x}", ((YamlScalarNode)((YamlSequenceNode)user["ssh_authorized_keys"])[0]).Value);
    }

    [Fact]
    public void A_password_goes_in_as_its_hash_and_opens_the_log_in()
    {
        var text = CloudInitSeed.UserData(new CloudInitCreate { User = "ann", Password = "plain words" }, "web1", "$6$salt$hash");

        Assert.DoesNotContain("plain words", text, StringComparison.Ordinal);
        var root = Parse(text);
        var user = (YamlMappingNode)((YamlSequenceNode)root["users"])[0];
        Assert.Equal("$6$salt$hash", Scalar(user, "hashed_passwd"));
        Assert.Equal("false", Scalar(user, "lock_passwd"));
        Assert.Equal("true", Scalar(root, "ssh_pwauth"));
    }

    [Fact]
    public void Without_a_password_it_is_locked_and_without_a_user_none_is_touched()
    {
        var withKey = (YamlMappingNode)((YamlSequenceNode)Parse(CloudInitSeed.UserData(new CloudInitCreate { SshKeys = ["ssh-ed25519 AAAA"] }, "web1", null))["users"])[0];
        Assert.Equal(CloudInitSeed.DefaultUser, Scalar(withKey, "name"));
        Assert.Equal("true", Scalar(withKey, "lock_passwd"));

        Assert.False(Parse(CloudInitSeed.UserData(null, "web1", null)).Children.ContainsKey("users"));
    }

    [Theory]
    [InlineData("#!/bin/sh\necho hello\n")]
    [InlineData("#cloud-config\npackages: [nginx]\n")]
    [InlineData("#cloud-config\nusers: [default]\n")]
    [InlineData("#cloud-config\nusers:\n- name: ann\n  groups: wheel\n")]
    [InlineData("#cloud-config\nusers:\n- name: ann\n- name: bob\n")]
    [InlineData("#cloud-config\n{ broken")]
    public void A_document_of_ones_own_is_not_taken_apart(string own) => Assert.Null(CloudInitSeed.Read(own));

    [Fact]
    public void What_the_fields_became_is_read_again()
    {
        const string Key = "ssh-ed25519 AAAA \"quoted\" # ünï: {x}";
        var whole = CloudInitSeed.Read(CloudInitSeed.UserData(new CloudInitCreate { User = "123", Password = "p", SshKeys = [Key, "two"] }, "web1", "$6$salt$hash"))!;
        Assert.Equal(("123", "$6$salt$hash"), (whole.User, whole.PasswordHash));
        Assert.Equal([Key, "two"], whole.SshKeys!);
        Assert.Equal(new CloudInitConveniences(null, null, null), CloudInitSeed.Read(CloudInitSeed.UserData(null, "web1", null)));
        var root = CloudInitSeed.Read(CloudInitSeed.UserData(new CloudInitCreate { User = "root" }, "web1", null))!;
        Assert.Equal(new CloudInitConveniences("root", null, null), root);
    }

    [Fact]
    public void Cards_are_found_by_their_MAC()
    {
        var config = Parse(CloudInitSeed.NetworkConfig([new("52:54:00:00:00:01"), new("52:54:00:00:00:02", "10.0.0.2/24", "10.0.0.1", ["10.0.0.1"])]));

        Assert.Equal("2", Scalar(config, "version"));
        var cards = (YamlMappingNode)config["ethernets"];
        var dhcp = (YamlMappingNode)cards["nic0"];
        Assert.Equal("52:54:00:00:00:01", Scalar((YamlMappingNode)dhcp["match"], "macaddress"));
        Assert.Equal("true", Scalar(dhcp, "dhcp4"));
        var still = (YamlMappingNode)cards["nic1"];
        Assert.Equal("false", Scalar(still, "dhcp4"));
        Assert.Equal("10.0.0.2/24", ((YamlScalarNode)((YamlSequenceNode)still["addresses"])[0]).Value);
        Assert.Equal("10.0.0.1", Scalar(still, "gateway4"));
    }

    [Fact]
    public void The_documents_hold_the_secret_and_who_the_guest_is()
    {
        var documents = CloudInitSeed.Documents(Spec, new CloudInitSecret { UserData = "#cloud-config\n{}\n" }, []);

        Assert.Equal("#cloud-config\n{}\n", documents.UserData);
        var meta = Parse(documents.MetaData);
        Assert.Equal("i-1", Scalar(meta, "instance-id"));
        Assert.Equal("web1", Scalar(meta, "local-hostname"));
    }

    [Fact]
    public void Ones_own_network_config_wins()
    {
        var documents = CloudInitSeed.Documents(Spec, new CloudInitSecret { UserData = "", NetworkConfig = "version: 2\n" }, [new("52:54:00:00:00:01")]);
        Assert.Equal("version: 2\n", documents.NetworkConfig);
    }

    private static string? Scalar(YamlMappingNode node, string name) => ((YamlScalarNode)node[name]).Value;

    private static YamlMappingNode Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return (YamlMappingNode)stream.Documents.Single().RootNode;
    }
}
