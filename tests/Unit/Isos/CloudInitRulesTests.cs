using Lamina.Api;
using Lamina.Server.Isos;

namespace Lamina.Tests.Unit.Isos;

public class CloudInitRulesTests
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJVv1S0Uki2sKhSyTbWYqWoVCFjsMVv7IfIqzTQbCuBJ someone@here";

    [Fact]
    public void Every_problem_is_told_at_once_with_its_path()
    {
        var problems = CloudInitRules.Check(
            new CloudInitCreate
            {
                Hostname = "-bad-",
                User = "Root!",
                Password = "a\nb",
                SshKeys = [Key, "ssh-rsa nonsense", Key[..40]],
                UserData = "hostname: x",
                NetworkConfig = "version: 1",
            },
            "$.cloudInit").Select(problem => problem.Path);

        Assert.Equal(
            ["$.cloudInit.hostname", "$.cloudInit.networkConfig", "$.cloudInit.password", "$.cloudInit.sshKeys[1]", "$.cloudInit.sshKeys[2]", "$.cloudInit.user", "$.cloudInit.userData", "$.cloudInit.userData"],
            problems.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("#cloud-config\npackages: [a\n", "cloudInit.yaml")]
    [InlineData("#cloud-config\n- a\n", "cloudInit.yamlShape")]
    [InlineData("#cloud-config\na: 1\n---\nb: 2\n", "cloudInit.yamlShape")]
    [InlineData("#cloud-config\na: 1\na: 2\n", "cloudInit.yaml")]
    [InlineData("packages: [a]\n", "cloudInit.userDataKind")]
    [InlineData("", "cloudInit.userDataKind")]
    [InlineData("cloud-config\n", "cloudInit.userDataKind")]
    public void User_data_that_cloud_init_would_not_take_is_refused(string document, string code) =>
        Assert.Equal(code, Assert.Single(Check(document)).Code);

    [Fact]
    public void A_fault_of_YAML_is_told_with_its_line() => Assert.Contains("line 3", Assert.Single(Check("#cloud-config\na: 1\n b: [\n")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_document_too_long_for_a_record_is_refused() => Assert.Equal("cloudInit.tooLong", Assert.Single(Check("#!/bin/sh\n" + new string('x', 40_000))).Code);

    [Theory]
    [InlineData("#cloud-config\n")]
    [InlineData("#cloud-config\npackages:\n  - nginx\nruncmd: [[ls, -l]]\n")]
    [InlineData("#!/bin/bash\necho hello\n")]
    [InlineData("Content-Type: multipart/mixed; boundary=\"x\"\nMIME-Version: 1.0\n\n--x--\n")]
    [InlineData("MIME-Version: 1.0\nContent-Type: multipart/mixed\n")]
    [InlineData("## template: jinja\n#cloud-config\nhostname: {{ v1.region }}\n")]
    [InlineData("#include\nhttps://host/x\n")]
    public void User_data_that_cloud_init_knows_is_taken(string document) => Assert.Empty(Check(document));

    [Theory]
    [InlineData("version: 2\nethernets: {}\n", true)]
    [InlineData("network:\n  version: 2\n", true)]
    [InlineData("version: 1\n", false)]
    [InlineData("", false)]
    [InlineData("- a\n", false)]
    [InlineData("version: [\n", false)]
    public void A_network_config_is_of_version_2(string document, bool right) =>
        Assert.Equal(right, !CloudInitRules.Check(new CloudInitCreate { NetworkConfig = document }, "$").Any());

    [Theory]
    [InlineData("")]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-dss AAAAB3NzaC1kc3M=")]
    [InlineData("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJVv1S0Uki2sKhSyTbWYqWoVCFjsMVv7IfIqzTQbCuBJ")]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----")]
    public void What_is_no_public_key_is_refused(string key) =>
        Assert.Equal("$.sshKeys[0]", Assert.Single(CloudInitRules.Check(new CloudInitCreate { SshKeys = [key] }, "$")).Path);

    [Fact]
    public void A_right_request_has_no_problems() =>
        Assert.Empty(CloudInitRules.Check(new CloudInitCreate { Hostname = "web1.example.org", User = "_ann-1", Password = "x", SshKeys = [Key] }, "$"));

    private static List<InputProblem> Check(string userData) => [.. CloudInitRules.Check(new CloudInitCreate { UserData = userData }, "$.cloudInit")];
}
