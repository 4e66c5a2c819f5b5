import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import sluice.ApiClient;
import sluice.ApiException;
import sluice.api.ConsumersApi;
import sluice.api.GroupsApi;
import sluice.api.MetadataApi;
import sluice.api.ProduceApi;
import sluice.api.V3Api;
import sluice.model.Acks;
import sluice.model.Commit;
import sluice.model.ConsumedRecord;
import sluice.model.GivenHeader;
import sluice.model.InstanceSettings;
import sluice.model.JSONRecord;
import sluice.model.JSONRecords;
import sluice.model.Message;
import sluice.model.Settled;
import sluice.model.Spot;
import sluice.model.V3ClusterList;
import sluice.model.Wish;

/** The client that openapi-generator made of the door's document: url topic. */
public class Program {
  private final ApiClient client = new ApiClient();
  private final String topic;

  private Program(String url, String topic) {
    client.updateBaseUri(url);
    this.topic = topic;
  }

  public static void main(String[] args) throws Exception {
    Program program = new Program(args[0], args[1]);
    program.refuse();
    program.produce();
    program.consume("java-v2");
    program.take("java-v1");
    System.out.println("java: ok");
  }

  private void refuse() throws ApiException {
    try {
      new MetadataApi(client).topic("nope");
      throw new AssertionError("there is a topic nope");
    } catch (ApiException refused) {
      same(404, refused.getCode());
      same(true, refused.getResponseBody().contains("40401"));
    }
    V3ClusterList clusters = new V3Api(client).v3Clusters();
    same(1, clusters.getData().size());
    same(null, clusters.getMetadata().getNext());
  }

  private void produce() throws ApiException {
    JSONRecords records = new JSONRecords()
        .addRecordsItem(new JSONRecord().key("c-17").value(Map.of("sku", 9)).addHeadersItem(new GivenHeader().key("trace").value("YWJj")))
        .addRecordsItem(new JSONRecord().value("two").partition(0))
        .addRecordsItem(new JSONRecord().value(3).partition(9));
    same("[0 null, 1 null, null 50002]", new ProduceApi(client).produce(topic, records, null).getOffsets().stream()
        .map(r -> r.getOffset() + " " + r.getErrorCode()).collect(Collectors.toList()).toString());
  }

  private void consume(String group) throws ApiException {
    ConsumersApi consumers = new ConsumersApi(client);
    String w1 = consumers.createInstance(group, new InstanceSettings().name("w1").format(InstanceSettings.FormatEnum.JSON)
        .autoOffsetReset("earliest").autoCommitEnable(false)).getInstanceId();
    consumers.subscribe(group, w1, new Wish().addTopicsItem(topic));
    List<ConsumedRecord> records = new ArrayList<>();
    while (records.size() < 2) {
      records.addAll(consumers.instanceRecords(group, w1, 10000, null));
    }
    same("[c-17 {sku=9}, null two]", records.stream().map(r -> r.getKey() + " " + r.getValue()).collect(Collectors.toList()).toString());
    same("YWJj", records.get(0).getHeaders().get(0).getValue());
    Spot last = new Spot().topic(topic).partition(0).offset(records.get(1).getOffset());
    consumers.commitOffsets(group, w1, null, new Commit().addOffsetsItem(last));
    consumers.deleteInstance(group, w1);
  }

  private void take(String group) throws ApiException {
    GroupsApi groups = new GroupsApi(client);
    List<Message> records = new ArrayList<>();
    while (records.size() < 2) {
      records.addAll(groups.messages(group, topic, null, null, null, null, null, "10s", null, null, null));
    }
    same("[c-17 {sku=9}, null two]", records.stream().map(r -> r.getKey() + " " + r.getValue()).collect(Collectors.toList()).toString());
    Acks acks = new Acks();
    records.forEach(r -> acks.addAckItem(new Settled().lease(r.getLease())));
    same(2, groups.acks(group, acks).getAccepted());
  }

  private static void same(Object want, Object got) {
    if (!Objects.equals(want, got)) {
      throw new AssertionError(got + ", not " + want);
    }
  }
}
