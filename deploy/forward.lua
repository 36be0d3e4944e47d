-- Each new X-ray goes to Pneumo; what Pneumo itself made does not.
local XRAYS = { CR = true, DX = true, OT = true }

function OnStoredInstance(instanceId, tags, metadata)
   if XRAYS[tags["Modality"]] and tags["Manufacturer"] ~= "Pneumo" then
      SendToModality(instanceId, "PNEUMO")
   end
end
